-- Sessions of clicks: visits with no more than ten minutes between two clicks, with their pages in order.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM clicks (visitor STRING KEY, page STRING, ts BIGINT)
    WITH (kafka_topic = 'clicks', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE visits AS
    SELECT visitor, COUNT(*) AS clicks, COLLECT_LIST(page) AS pages, (WINDOWEND - WINDOWSTART) / 1000 AS duration
    FROM clicks WINDOW SESSION (10 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 1 HOUR)
    GROUP BY visitor
    EMIT CHANGES;
