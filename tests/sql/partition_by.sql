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
