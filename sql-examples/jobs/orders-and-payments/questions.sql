SELECT order_id, amount, payments FROM settlement;
