-- A funnel: how many visitors got how far, whatever order their events arrive in.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM events (visitor STRING KEY, step STRING, ts BIGINT)
    WITH (kafka_topic = 'events', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE furthest AS
    SELECT visitor, MAX(CASE WHEN step = 'view' THEN 1 WHEN step = 'cart' THEN 2 WHEN step = 'address' THEN 3 WHEN step = 'pay' THEN 4 ELSE 0 END) AS step
    FROM events GROUP BY visitor EMIT CHANGES;

CREATE TABLE funnel AS
    SELECT 'all' AS shop, COUNT(*) AS visited,
           SUM(CASE WHEN step >= 2 THEN 1 ELSE 0 END) AS filled_cart,
           SUM(CASE WHEN step >= 3 THEN 1 ELSE 0 END) AS gave_address,
           SUM(CASE WHEN step >= 4 THEN 1 ELSE 0 END) AS paid
    FROM furthest GROUP BY 'all' EMIT CHANGES;
