-- A log rolled up: lines per service, level and minute, and how long things took. What is no line of the log is counted apart.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM lines (host STRING KEY, line STRING, ts BIGINT)
    WITH (kafka_topic = 'lines', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE STREAM parsed AS
    SELECT host,
           REGEXP_EXTRACT('\[([A-Z]+)\]', line, 1) AS level,
           REGEXP_EXTRACT('\] ([a-z]+):', line, 1) AS service,
           CAST(REGEXP_EXTRACT('took ([0-9]+) ms', line, 1) AS INT) AS ms
    FROM lines EMIT CHANGES;

CREATE TABLE per_minute WITH (key_format = 'JSON') AS
    SELECT service, level, COUNT(*) AS n, MAX(ms) AS slowest, AVG(ms) AS average
    FROM parsed WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 DAY, GRACE PERIOD 1 MINUTE)
    WHERE level IS NOT NULL GROUP BY service, level EMIT CHANGES;

CREATE TABLE unread AS
    SELECT host, COUNT(*) AS n FROM parsed WHERE level IS NULL GROUP BY host EMIT CHANGES;
