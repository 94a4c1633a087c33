-- Bytes: what stands in a topic, seen (and written) through a second stream over it that takes the value for one text.

--@test: JSON out: names, order, nested values
CREATE STREAM s (k STRING KEY, i INT, d DOUBLE, t STRING, b BOOLEAN, a ARRAY<INT>, m MAP<STRING, INT>, r STRUCT<x INT, y STRING>)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, i, d, t, b, a, m, r) VALUES ('x', 1, 1.5, 'say "hi"', true, ARRAY[1, 2], MAP('p' := 1), STRUCT(x := 1, y := 'z'));
ASSERT VALUES raw (k, bytes) VALUES ('x', '{"I":1,"D":1.5,"T":"say \"hi\"","B":true,"A":[1,2],"M":{"p":1},"R":{"X":1,"Y":"z"}}');

--@test: JSON in: any case of names, missing and unknown fields, numbers as text
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
CREATE STREAM s (k STRING KEY, i INT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT * FROM s;
INSERT INTO raw (k, bytes) VALUES ('a', '{"i": 1, "T": "x", "more": [1, {"deep": true}]}');
INSERT INTO raw (k, bytes) VALUES ('b', '{"I": "2"}');
INSERT INTO raw (k, bytes) VALUES ('c', '{}');
INSERT INTO raw (k, bytes) VALUES ('d', '{"i": null, "t": 7}');
ASSERT VALUES out (k, i, t) VALUES ('a', 1, 'x');
ASSERT VALUES out (k, i, t) VALUES ('b', 2, NULL);
ASSERT VALUES out (k, i, t) VALUES ('c', NULL, NULL);
ASSERT VALUES out (k, i, t) VALUES ('d', NULL, '7');

--@test: what is no JSON, or does not fit, is skipped
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
CREATE STREAM s (k STRING KEY, i INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT * FROM s;
INSERT INTO raw (k, bytes) VALUES ('a', '{"i": ');
INSERT INTO raw (k, bytes) VALUES ('b', '{"i": "one"}');
INSERT INTO raw (k, bytes) VALUES ('c', '{"i": 3}');
ASSERT VALUES out (k, i) VALUES ('c', 3);

--@test: one JSON value without a wrapper
CREATE STREAM s (k STRING KEY, i INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false);
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, i) VALUES ('x', 42);
ASSERT VALUES raw (k, bytes) VALUES ('x', '42');

--@test: DECIMAL keeps its scale, times are numbers
CREATE STREAM s (k STRING KEY, price DECIMAL(6, 2), day DATE, moment TIMESTAMP, clock TIME) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, price, day, moment, clock) VALUES ('x', 12.5, '1970-01-11', '1970-01-01T00:00:01.500', '00:00:02');
ASSERT VALUES raw (k, bytes) VALUES ('x', '{"PRICE":12.50,"DAY":10,"MOMENT":1500,"CLOCK":2000}');

--@test: DELIMITED out and in
CREATE STREAM s (k STRING KEY, i INT, t STRING, d DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED');
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
CREATE STREAM out AS SELECT k, i + 1 AS i, t, d FROM s;
INSERT INTO s (k, i, t, d) VALUES ('x', 1, 'one, two', 0.5);
INSERT INTO raw (k, bytes) VALUES ('y', '7,"a ""word""",1.25');
INSERT INTO raw (k, bytes) VALUES ('z', '7,too few');
INSERT INTO raw (k, bytes) VALUES ('w', ',,');
ASSERT VALUES raw (k, bytes) VALUES ('x', '1,"one, two",0.5');
ASSERT VALUES raw (k) VALUES ('y');
ASSERT VALUES raw (k) VALUES ('z');
ASSERT VALUES raw (k) VALUES ('w');
ASSERT VALUES out (k, i, t, d) VALUES ('x', 2, 'one, two', 0.5);
ASSERT VALUES out (k, i, t, d) VALUES ('y', 8, 'a "word"', 1.25);
ASSERT VALUES out (k, i, t, d) VALUES ('w', NULL, NULL, NULL);

--@test: another delimiter
CREATE STREAM s (k STRING KEY, i INT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|');
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, i, t) VALUES ('x', 1, 'a,b');
ASSERT VALUES raw (k, bytes) VALUES ('x', '1|a,b');

--@test: from one format to another
CREATE STREAM s (k STRING KEY, i INT, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED');
CREATE STREAM out WITH (VALUE_FORMAT='JSON', KEY_FORMAT='JSON') AS SELECT * FROM s;
CREATE STREAM raw (k STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, i, t) VALUES ('x', 1, 'a');
ASSERT VALUES raw (k, bytes) VALUES ('"x"', '{"I":1,"T":"a"}');

--@test: keys of the KAFKA format are binary numbers
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM other (k INT KEY, v BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
INSERT INTO s (k, v) VALUES (258, 1);
ASSERT VALUES other (k, v) VALUES (258, 1);

--@test: TIMESTAMP gives the record its time, in and out
CREATE STREAM s (k STRING KEY, moment STRING, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', TIMESTAMP='moment', TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss');
CREATE STREAM out AS SELECT k, v, ROWTIME AS rt FROM s;
CREATE STREAM moved WITH (TIMESTAMP='later') AS SELECT k, v, CAST(ROWTIME + 1000 AS BIGINT) AS later FROM s;
INSERT INTO s (k, moment, v, ROWTIME) VALUES ('x', '1970-01-01 00:00:05', 1, 77);
ASSERT VALUES out (k, v, rt, ROWTIME) VALUES ('x', 1, 5000, 5000);
ASSERT VALUES moved (k, v, ROWTIME) VALUES ('x', 1, 6000);

--@test: the key of a windowed table, read by its declaration
CREATE STREAM hits (page STRING KEY, n INT) WITH (KAFKA_TOPIC='hits', VALUE_FORMAT='JSON');
CREATE TABLE counts AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page;
CREATE STREAM again (page STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='COUNTS', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
CREATE STREAM out AS SELECT page, n, WINDOWSTART AS ws, WINDOWEND AS we FROM again;
INSERT INTO hits (page, n, ROWTIME) VALUES ('a', 1, 12000);
ASSERT VALUES out (page, n, ws, we) VALUES ('a', 1, 10000, 20000);

--@test: the key of a session, read by its declaration
CREATE STREAM hits (page STRING KEY, n INT) WITH (KAFKA_TOPIC='hits', VALUE_FORMAT='JSON');
CREATE TABLE counts AS SELECT page, COUNT(*) AS n FROM hits WINDOW SESSION (10 SECONDS) GROUP BY page;
CREATE STREAM again (page STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='COUNTS', VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION');
CREATE STREAM out AS SELECT page, n, WINDOWSTART AS ws, WINDOWEND AS we FROM again;
INSERT INTO hits (page, n, ROWTIME) VALUES ('a', 1, 12000);
ASSERT VALUES out (page, n, ws, we) VALUES ('a', 1, 12000, 12000);

--@test: KAFKA holds one column
--@expected.error: plan
--@expected.message: does not support schema.
CREATE STREAM s (k STRING KEY, a INT, b INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');

--@test: DELIMITED holds no arrays
--@expected.error: plan
--@expected.message: does not support
CREATE STREAM s (k STRING KEY, a ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED');

--@test: an unknown format
--@expected.error: plan
--@expected.message: Unknown format: YAML
CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='YAML');

--@test: no format at all
--@expected.error: plan
--@expected.message: Statement is missing the 'VALUE_FORMAT' property from the WITH clause.
CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s');

--@test: a map in a key
--@expected.error: plan
--@expected.message: Map keys, including types that contain maps, are not supported
CREATE STREAM s (k MAP<STRING, INT> KEY, a INT) WITH (KAFKA_TOPIC='s', KEY_FORMAT='JSON', VALUE_FORMAT='JSON');
