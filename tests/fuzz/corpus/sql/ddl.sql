CREATE OR REPLACE SOURCE TABLE IF NOT EXISTS "t" (id INT PRIMARY KEY, m MAP<VARCHAR(5), STRUCT<a DECIMAL(4,2), b INT ARRAY>>, h BYTES HEADER('k')) WITH (kafka_topic='${a}', partitions=${n}); -- comment
CREATE STREAM ${q} AS SELECT TRANSFORM(m, (k, v) => v || ${s}, k => k[-1]) FROM ${a}; /* x */ DROP TYPE IF EXISTS x; ALTER STREAM s ADD a INT, ADD COLUMN b STRING;
