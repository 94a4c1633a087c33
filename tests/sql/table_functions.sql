-- EXPLODE and its kin: a record in, a record out for every element.
CREATE STREAM s (k STRING KEY, tags ARRAY<STRING>, nums ARRAY<INT>, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: a record for each element, other columns repeated
CREATE STREAM out AS SELECT k, v, EXPLODE(tags) AS tag FROM s;
INSERT INTO s (k, v, tags, ROWTIME) VALUES ('x', 1, ARRAY['p', 'q'], 10);
ASSERT VALUES out (k, v, tag, ROWTIME) VALUES ('x', 1, 'p', 10);
ASSERT VALUES out (k, v, tag, ROWTIME) VALUES ('x', 1, 'q', 10);

--@test: two of them run side by side, the shorter is padded
CREATE STREAM out AS SELECT k, EXPLODE(tags) AS tag, EXPLODE(nums) AS num FROM s;
INSERT INTO s (k, tags, nums) VALUES ('x', ARRAY['p', 'q', 'r'], ARRAY[1]);
ASSERT VALUES out (k, tag, num) VALUES ('x', 'p', 1);
ASSERT VALUES out (k, tag, num) VALUES ('x', 'q', NULL);
ASSERT VALUES out (k, tag, num) VALUES ('x', 'r', NULL);

--@test: inside an expression
CREATE STREAM out AS SELECT k, EXPLODE(nums) * 10 + v AS n FROM s;
INSERT INTO s (k, nums, v) VALUES ('x', ARRAY[1, 2], 5);
ASSERT VALUES out (k, n) VALUES ('x', 15);
ASSERT VALUES out (k, n) VALUES ('x', 25);

--@test: nothing in, nothing out
--@expected.empty: OUT
CREATE STREAM out AS SELECT k, EXPLODE(nums) AS n FROM s;
INSERT INTO s (k, v) VALUES ('x', 5);

--@test: a filter looks at the record before
CREATE STREAM out AS SELECT k, EXPLODE(nums) AS n FROM s WHERE v > 1;
INSERT INTO s (k, v, nums) VALUES ('x', 1, ARRAY[1]);
INSERT INTO s (k, v, nums) VALUES ('y', 2, ARRAY[2]);
ASSERT VALUES out (k, n) VALUES ('y', 2);

--@test: CUBE_EXPLODE gives every combination with nulls
CREATE STREAM out AS SELECT k, CUBE_EXPLODE(nums) AS c FROM s;
INSERT INTO s (k, nums) VALUES ('x', ARRAY[1, 2]);
ASSERT VALUES out (k, c) VALUES ('x', ARRAY[CAST(NULL AS INT), NULL]);
ASSERT VALUES out (k, c) VALUES ('x', ARRAY[NULL, 2]);
ASSERT VALUES out (k, c) VALUES ('x', ARRAY[1, NULL]);
ASSERT VALUES out (k, c) VALUES ('x', ARRAY[1, 2]);

--@test: they do not nest
--@expected.error: plan
--@expected.message: Table functions cannot be nested: EXPLODE(EXPLODE(
CREATE STREAM out AS SELECT k, EXPLODE(EXPLODE(nums)) AS n FROM s;

--@test: not with aggregates
--@expected.error: plan
--@expected.message: Table functions cannot be used with aggregations.
CREATE TABLE out AS SELECT k, COUNT(*) AS n, EXPLODE(nums) AS x FROM s GROUP BY k;

--@test: not over tables
--@expected.error: plan
--@expected.message: Table source is not supported with table functions
CREATE TABLE t (k STRING PRIMARY KEY, nums ARRAY<INT>) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE TABLE out AS SELECT k, EXPLODE(nums) AS n FROM t;
