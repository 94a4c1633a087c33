-- Fraud by frequency: cards that were used more than four times within a minute, each minute anew.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM uses (card STRING KEY, shop STRING, amount DOUBLE, ts BIGINT)
    WITH (kafka_topic = 'uses', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE suspicious AS
    SELECT card, COUNT(*) AS uses, COUNT_DISTINCT(shop) AS shops, SUM(amount) AS amount
    FROM uses WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 1 MINUTE)
    GROUP BY card HAVING COUNT(*) > 4
    EMIT CHANGES;
