-- Event-sourced accounts: the balance is what all events add up to, exact to the cent; an alert when it falls below zero.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM account_events (account STRING KEY, event_id INT, kind STRING, amount DECIMAL(9, 2), ts BIGINT)
    WITH (kafka_topic = 'account_events', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE balances AS
    SELECT account,
           SUM(CASE WHEN kind IN ('deposit', 'transfer-in') THEN amount
                    WHEN kind IN ('withdraw', 'transfer-out') THEN -amount
                    ELSE CAST(0 AS DECIMAL(9, 2)) END) AS balance,
           COUNT(*) AS events,
           LATEST_BY_OFFSET(kind) = 'close' AS closed
    FROM account_events GROUP BY account EMIT CHANGES;

CREATE TABLE overdrawn AS SELECT account, balance FROM balances WHERE balance < 0 EMIT CHANGES;
