SELECT item, price, ARRAY_LENGTH(prices) AS known FROM last_month;
-- All alerts there were, and where they ended: a row that is no more is a tombstone.
SET 'auto.offset.reset' = 'earliest';
SET 'ksql.streams.cache.max.bytes.buffering' = '0';
SELECT item, price, ROUND(average, 2) AS average FROM price_alerts EMIT CHANGES LIMIT 4;
