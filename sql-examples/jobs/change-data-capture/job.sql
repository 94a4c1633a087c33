-- Change data capture (Debezium's envelope) to current state: the newest row of each key, without those that were deleted, and how
-- many accounts each plan has now.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM account_changes (id INT KEY,
                               before STRUCT<id INT, email STRING, plan STRING>,
                               after STRUCT<id INT, email STRING, plan STRING>,
                               op STRING, ts_ms BIGINT)
    WITH (kafka_topic = 'accounts.changes', key_format = 'JSON', value_format = 'JSON', timestamp = 'ts_ms', partitions = 1);

CREATE TABLE accounts AS
    SELECT id, LATEST_BY_OFFSET(after->email) AS email, LATEST_BY_OFFSET(after->plan) AS plan, COUNT(*) AS changes
    FROM account_changes GROUP BY id HAVING LATEST_BY_OFFSET(op) <> 'd' EMIT CHANGES;

CREATE TABLE plans AS
    SELECT plan, COUNT(*) AS accounts FROM accounts GROUP BY plan EMIT CHANGES;
