-- Orders and their payments within ten seconds.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM orders (
  id VARCHAR KEY, ordertime BIGINT, customer VARCHAR, item VARCHAR, region VARCHAR, price DOUBLE, note VARCHAR, browser VARCHAR
) WITH (KAFKA_TOPIC = '${ORDERS}', VALUE_FORMAT = 'JSON');

CREATE STREAM payments (
  id VARCHAR KEY, paytime BIGINT, method VARCHAR, amount DOUBLE, bank VARCHAR, reference VARCHAR, terminal VARCHAR
) WITH (KAFKA_TOPIC = '${PAYMENTS}', VALUE_FORMAT = 'JSON');

CREATE STREAM paid WITH (KAFKA_TOPIC = '${OUT}') AS
  SELECT o.id AS id, o.ordertime AS ordertime, o.customer AS customer, o.price AS price,
         p.paytime AS paytime, p.method AS method, p.amount AS amount
  FROM orders o INNER JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON o.id = p.id EMIT CHANGES;
