-- listings.sql - the example that setup.sh runs: topics become streams and tables, and queries that never end.
--
-- Feed it with the .jsonl files beside it:
--   sluice feed --topic views --key-field listing_id --keep-broken --timestamp-field ts sql-examples/views.jsonl
-- Running this file twice does no harm.

SET 'auto.offset.reset' = 'earliest';

-- What is for sale: a table, the newest record of a key is the row.
CREATE TABLE IF NOT EXISTS listings (
    listing_id STRING PRIMARY KEY,
    town STRING, rooms INT, price INT, title STRING
) WITH (kafka_topic = 'listings', value_format = 'JSON', partitions = 1);

-- Who looked at what. The time of an event is in the event: `ts`.
CREATE STREAM IF NOT EXISTS views (
    listing_id STRING KEY,
    visitor STRING, duration INT, ts BIGINT
) WITH (kafka_topic = 'views', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE STREAM IF NOT EXISTS price_changes (
    listing_id STRING KEY,
    old_price INT, new_price INT, ts BIGINT
) WITH (kafka_topic = 'price_changes', value_format = 'JSON', timestamp = 'ts', partitions = 1);

-- Views per listing and hour. Events that are up to ten minutes late still count; windows can be asked for a week
-- (without RETENTION: until the grace period is over).
CREATE TABLE IF NOT EXISTS views_per_hour AS
    SELECT listing_id, COUNT(*) AS views, SUM(duration) AS duration, MAX(duration) AS longest
    FROM views WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 7 DAYS, GRACE PERIOD 10 MINUTES)
    GROUP BY listing_id
    EMIT CHANGES;

-- Alerts: prices that fell by a tenth or more.
CREATE STREAM IF NOT EXISTS price_drops AS
    SELECT listing_id, old_price, new_price, (old_price - new_price) * 100 / old_price AS percent
    FROM price_changes
    WHERE new_price <= old_price * 0.9
    EMIT CHANGES;
