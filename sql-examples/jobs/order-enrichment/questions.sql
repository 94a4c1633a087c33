SELECT order_id, name, title, total FROM orders_known WHERE order_id = 'O3';
SELECT * FROM revenue_by_city;
