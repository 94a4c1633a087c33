-- PARTITION BY gives a stream another key: same records, same times, other partition.
CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: by a column
CREATE STREAM out AS SELECT * FROM s PARTITION BY a;
INSERT INTO s (k, a, b, ROWTIME) VALUES ('x', 1, 'p', 10);
INSERT INTO s (k, a, b, ROWTIME) VALUES ('y', 2, 'q', 20);
ASSERT VALUES out (a, k, b, ROWTIME) VALUES (1, 'x', 'p', 10);
ASSERT VALUES out (a, k, b, ROWTIME) VALUES (2, 'y', 'q', 20);
ASSERT STREAM out (a INT KEY, b STRING, k STRING) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: by an expression with an alias
CREATE STREAM out AS SELECT a * 10 AS tens, k, b FROM s PARTITION BY a * 10;
INSERT INTO s (k, a, b) VALUES ('x', 1, 'p');
ASSERT VALUES out (tens, k, b) VALUES (10, 'x', 'p');

--@test: by nothing: the key becomes a value
CREATE STREAM out AS SELECT * FROM s PARTITION BY NULL;
INSERT INTO s (k, a, b) VALUES ('x', 1, 'p');
ASSERT VALUES out (k, a, b) VALUES ('x', 1, 'p');
ASSERT STREAM out (a INT, b STRING, k STRING) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: a null key is a key
CREATE STREAM out AS SELECT * FROM s PARTITION BY b;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES out (b, k, a) VALUES (NULL, 'x', 1);

--@test: by several columns, with a format for it
CREATE STREAM out WITH (KEY_FORMAT='JSON') AS SELECT b, a, k FROM s PARTITION BY b, a;
INSERT INTO s (k, a, b) VALUES ('x', 1, 'p');
ASSERT VALUES out (b, a, k) VALUES ('p', 1, 'x');

--@test: a filter stands before it
CREATE STREAM out AS SELECT * FROM s WHERE a > 1 PARTITION BY a;
INSERT INTO s (k, a, b) VALUES ('x', 1, 'p');
INSERT INTO s (k, a, b) VALUES ('y', 2, 'q');
ASSERT VALUES out (a, k, b) VALUES (2, 'y', 'q');

--@test: several columns do not fit the KAFKA format
--@expected.error: plan
--@expected.message: Key format does not support schema.
CREATE STREAM out AS SELECT * FROM s PARTITION BY a, b;

--@test: several columns with NULL
--@expected.error: plan
--@expected.message: Cannot PARTITION BY multiple columns including NULL
CREATE STREAM out WITH (KEY_FORMAT='JSON') AS SELECT * FROM s PARTITION BY a, NULL;

--@test: the new key must be selected
--@expected.error: plan
--@expected.message: Key missing from projection (ie, SELECT).
CREATE STREAM out AS SELECT k, b FROM s PARTITION BY a;

--@test: by a pseudo column, whose name only a star may give to a key
CREATE STREAM out AS SELECT * FROM s PARTITION BY ROWTIME;
INSERT INTO s (k, a, b, ROWTIME) VALUES ('x', 1, 'p', 10);
ASSERT STREAM out (ROWTIME BIGINT KEY, a INT, b STRING, k STRING) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: by a pseudo column that is written
--@expected.error: plan
--@expected.message: Reserved column name in select: `ROWOFFSET`. Please remove or alias the column.
CREATE STREAM out AS SELECT ROWOFFSET, a FROM s PARTITION BY ROWOFFSET;

--@test: * of a join, by a column that is no key of the join: the new key is named as * names columns, the old keys come last
CREATE STREAM l2 (a INT KEY, b INT) WITH (KAFKA_TOPIC='l2', VALUE_FORMAT='JSON');
CREATE STREAM r2 (x INT KEY, y INT) WITH (KAFKA_TOPIC='r2', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT * FROM l2 JOIN r2 WITHIN 10 SECONDS ON l2.b = r2.y PARTITION BY a;
INSERT INTO l2 (a, b, ROWTIME) VALUES (7, 1, 11);
INSERT INTO r2 (x, y, ROWTIME) VALUES (-1, 1, 12);
ASSERT STREAM out (l2_a INT KEY, l2_b INT, l2_rowtime BIGINT, l2_rowpartition INT, l2_rowoffset BIGINT, r2_y INT, r2_rowtime BIGINT, r2_rowpartition INT, r2_rowoffset BIGINT, r2_x INT) WITH (KAFKA_TOPIC='OUT');
ASSERT VALUES out (l2_a, l2_b, l2_rowtime, r2_y, r2_x) VALUES (7, 1, 11, 1, -1);
