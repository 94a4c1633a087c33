-- Market movements by area and hour: how many sales, at what price, and how it moved within the hour. A sale that is reported more than
-- half an hour late no longer counts.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM sales (sale_id STRING KEY, area STRING, price INT, ts BIGINT)
    WITH (kafka_topic = 'sales', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE market AS
    SELECT area, COUNT(*) AS sales, AVG(price) AS average, MIN(price) AS low, MAX(price) AS high,
           LATEST_BY_OFFSET(price) - EARLIEST_BY_OFFSET(price) AS moved
    FROM sales WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 7 DAYS, GRACE PERIOD 30 MINUTES)
    GROUP BY area
    EMIT CHANGES;
