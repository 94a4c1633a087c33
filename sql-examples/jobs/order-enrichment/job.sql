-- Orders with what is known of their customer and their product: one stream, two tables, keys that are not the stream's.
SET 'auto.offset.reset' = 'earliest';

CREATE TABLE customers (customer_id STRING PRIMARY KEY, name STRING, city STRING)
    WITH (kafka_topic = 'customers', value_format = 'JSON', partitions = 1);
CREATE TABLE products (product_id STRING PRIMARY KEY, title STRING, price DOUBLE)
    WITH (kafka_topic = 'products', value_format = 'JSON', partitions = 1);
CREATE STREAM orders (order_id STRING KEY, customer STRING, product STRING, quantity INT, ts BIGINT)
    WITH (kafka_topic = 'orders', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE STREAM orders_known AS
    SELECT o.product AS product_id, o.order_id AS order_id, c.name AS name, c.city AS city, p.title AS title, o.quantity * p.price AS total
    FROM orders o
    LEFT JOIN customers c ON o.customer = c.customer_id
    JOIN products p ON o.product = p.product_id
    EMIT CHANGES;

CREATE TABLE revenue_by_city AS
    SELECT IFNULL(city, 'unknown') AS town, COUNT(*) AS orders, SUM(total) AS revenue
    FROM orders_known GROUP BY IFNULL(city, 'unknown') EMIT CHANGES;
