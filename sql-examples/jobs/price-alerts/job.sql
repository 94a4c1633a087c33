-- A price far from its 30-day average: the last thirty closing prices of each item, and an alert when the newest is a fifth or more
-- away from the average of those before it. Each change counts, so none is held back to be united with later ones (cache 0).
SET 'auto.offset.reset' = 'earliest';

SET 'ksql.streams.cache.max.bytes.buffering' = '0';

CREATE STREAM closes (item STRING KEY, price DOUBLE, ts BIGINT)
    WITH (kafka_topic = 'closes', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE last_month AS
    SELECT item, LATEST_BY_OFFSET(price, 31) AS prices, LATEST_BY_OFFSET(price) AS price, MAX(ts) AS day
    FROM closes GROUP BY item EMIT CHANGES;

CREATE TABLE price_alerts AS
    SELECT item, price, day,
           (REDUCE(prices, CAST(0 AS DOUBLE), (sum, p) => sum + p) - price) / (ARRAY_LENGTH(prices) - 1) AS average
    FROM last_month
    WHERE ARRAY_LENGTH(prices) > 10
      AND ABS(price * (ARRAY_LENGTH(prices) - 1) / (REDUCE(prices, CAST(0 AS DOUBLE), (sum, p) => sum + p) - price) - 1) >= 0.2
    EMIT CHANGES;
