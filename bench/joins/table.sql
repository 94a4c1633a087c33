-- The latest version of each order with the latest version of its payment.
SET 'auto.offset.reset' = 'earliest';

CREATE TABLE orders (
  id VARCHAR PRIMARY KEY, ordertime BIGINT, customer VARCHAR, item VARCHAR, region VARCHAR, price DOUBLE, note VARCHAR, browser VARCHAR
) WITH (KAFKA_TOPIC = '${ORDERS}', VALUE_FORMAT = 'JSON');

CREATE TABLE payments (
  id VARCHAR PRIMARY KEY, paytime BIGINT, method VARCHAR, amount DOUBLE, bank VARCHAR, reference VARCHAR, terminal VARCHAR
) WITH (KAFKA_TOPIC = '${PAYMENTS}', VALUE_FORMAT = 'JSON');

CREATE TABLE paid WITH (KAFKA_TOPIC = '${OUT}') AS
  SELECT o.id AS id, o.ordertime AS ordertime, o.customer AS customer, o.price AS price,
         p.paytime AS paytime, p.method AS method, p.amount AS amount
  FROM orders o INNER JOIN payments p ON o.id = p.id EMIT CHANGES;
