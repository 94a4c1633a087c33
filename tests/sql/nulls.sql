-- Two truth values: comparisons with null are false, evaluation errors become null, and only part of a row is lost.
CREATE STREAM s (k STRING KEY, a INT, b INT, t STRING, r STRUCT<x INT>, l ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: every comparison with null is false, and its NOT is true
CREATE STREAM out AS SELECT k, a = b AS eq, a <> b AS ne, a < b AS lt, NOT (a = b) AS neq FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES out (k, eq, ne, lt, neq) VALUES ('x', false, false, false, true);

--@test: IS DISTINCT FROM sees null as a value
CREATE STREAM out AS SELECT k, a IS DISTINCT FROM b AS differs, a IS NOT DISTINCT FROM b AS same FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, t) VALUES ('y', 't');
ASSERT VALUES out (k, differs, same) VALUES ('x', true, false);
ASSERT VALUES out (k, differs, same) VALUES ('y', false, true);

--@test: arithmetic with null gives null, and only there
CREATE STREAM out AS SELECT k, a + b AS total, a AS a FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES out (k, total, a) VALUES ('x', NULL, 1);

--@test: a division by zero gives null
CREATE STREAM out AS SELECT k, a / b AS ratio, a FROM s;
INSERT INTO s (k, a, b) VALUES ('x', 1, 0);
ASSERT VALUES out (k, ratio, a) VALUES ('x', NULL, 1);

--@test: a field or an element of null is null
CREATE STREAM out AS SELECT k, r->x AS x, l[1] AS e FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES out (k, x, e) VALUES ('x', NULL, NULL);

--@test: IN and BETWEEN
CREATE STREAM out AS SELECT k, a IN (1, 2) AS i, a NOT IN (1, 2) AS n, a BETWEEN 0 AND 5 AS b FROM s;
INSERT INTO s (k, t) VALUES ('x', 't');
ASSERT VALUES out (k, i, n, b) VALUES ('x', false, true, false);

--@test: CAST of null, and of text that is no number
CREATE STREAM out AS SELECT k, CAST(t AS INT) AS n, CAST(a AS STRING) AS s FROM s;
INSERT INTO s (k, t) VALUES ('x', 'twelve');
INSERT INTO s (k, t, a) VALUES ('y', '12', 5);
ASSERT VALUES out (k, n, s) VALUES ('x', NULL, NULL);
ASSERT VALUES out (k, n, s) VALUES ('y', 12, '5');

--@test: functions that look at nulls
CREATE STREAM out AS SELECT k, COALESCE(a, b, 9) AS c, IFNULL(t, 'none') AS t, NULLIF(a, 1) AS n FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, b, t) VALUES ('y', 2, 'some');
INSERT INTO s (k, t) VALUES ('z', 'some');
ASSERT VALUES out (k, c, t, n) VALUES ('x', 1, 'none', NULL);
ASSERT VALUES out (k, c, t, n) VALUES ('y', 2, 'some', NULL);
ASSERT VALUES out (k, c, t, n) VALUES ('z', 9, 'some', NULL);

--@test: the key may be null
CREATE STREAM out AS SELECT * FROM s;
INSERT INTO s (a) VALUES (1);
ASSERT VALUES out (k, a) VALUES (NULL, 1);
