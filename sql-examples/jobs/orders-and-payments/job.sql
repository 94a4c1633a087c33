-- Orders and payments that belong together: within ten minutes of each other. Orders that never found a payment come out with none,
-- once their time is over.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM orders (order_id STRING KEY, amount INT, ts BIGINT)
    WITH (kafka_topic = 'orders', value_format = 'JSON', timestamp = 'ts', partitions = 1);
CREATE STREAM payments (order_id STRING KEY, payment_id STRING, paid INT, ts BIGINT)
    WITH (kafka_topic = 'payments', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE STREAM settled AS
    SELECT o.order_id AS order_id, o.amount AS amount, p.payment_id AS payment_id, p.paid AS paid
    FROM orders o LEFT JOIN payments p WITHIN 10 MINUTES GRACE PERIOD 5 MINUTES ON o.order_id = p.order_id
    EMIT CHANGES;

CREATE TABLE settlement AS
    SELECT order_id, COUNT(payment_id) AS payments, LATEST_BY_OFFSET(amount) AS amount FROM settled GROUP BY order_id EMIT CHANGES;
