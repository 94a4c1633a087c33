-- Formats of a schema registry: what is written by the schema of one topic is read by the columns of the next.

--@test: every type through AVRO
CREATE STREAM s (id INT KEY, a BOOLEAN, b BIGINT, c DOUBLE, d DECIMAL(6, 2), e STRING, f BYTES, g TIME, h DATE, i TIMESTAMP, j ARRAY<INT>, k MAP<STRING, DOUBLE>, l STRUCT<x INT, y ARRAY<STRING>>) WITH (KAFKA_TOPIC='s', FORMAT='AVRO');
CREATE STREAM o AS SELECT * FROM s;
CREATE STREAM p WITH (FORMAT='JSON') AS SELECT * FROM o;
INSERT INTO s VALUES (1, true, -5, 0.5, 1234.50, 'é', CAST('YQ==' AS BYTES), '10:30:00', '2024-02-29', '2024-02-29T10:30:00', ARRAY[1, NULL], MAP('k' := 1.5), STRUCT(x := 7, y := ARRAY['a']));
INSERT INTO s (id) VALUES (2);
ASSERT VALUES p (id, a, b, c, d, e, g, h, i, j, k, l) VALUES (1, true, -5, 0.5, 1234.50, 'é', '10:30:00', '2024-02-29', '2024-02-29T10:30:00', ARRAY[1, NULL], MAP('k' := 1.5), STRUCT(x := 7, y := ARRAY['a']));
ASSERT VALUES p (id, a, b, c, d, e, g, h, i, j, k, l) VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

--@test: nulls in PROTOBUF are zeros, unless it is told otherwise
CREATE STREAM s (id INT KEY, a INT, b STRING, j ARRAY<INT>, l STRUCT<x INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='PROTOBUF');
CREATE STREAM o WITH (VALUE_PROTOBUF_NULLABLE_REPRESENTATION='OPTIONAL') AS SELECT id, NULLIF(a, 0) AS a, NULLIF(b, '') AS b FROM s;
CREATE STREAM p WITH (VALUE_PROTOBUF_NULLABLE_REPRESENTATION='WRAPPER') AS SELECT * FROM o;
CREATE STREAM q WITH (VALUE_FORMAT='JSON') AS SELECT * FROM p;
CREATE STREAM r WITH (VALUE_FORMAT='JSON') AS SELECT id, a, b, ARRAY_LENGTH(j) AS n, l FROM s;
INSERT INTO s (id) VALUES (1);
INSERT INTO s (id, a, b, j, l) VALUES (2, 5, 'x', ARRAY[1], STRUCT(x := 3));
ASSERT VALUES q (id, a, b) VALUES (1, NULL, NULL);
ASSERT VALUES q (id, a, b) VALUES (2, 5, 'x');
ASSERT VALUES r (id, a, b, n, l) VALUES (1, 0, '', 0, NULL);
ASSERT VALUES r (id, a, b, n, l) VALUES (2, 5, 'x', 1, STRUCT(x := 3));

--@test: columns are inferred from what another stream registered
CREATE STREAM s (id INT KEY, `lower` BIGINT, m MAP<STRING, INT>) WITH (KAFKA_TOPIC='s', FORMAT='JSON_SR');
CREATE STREAM i WITH (KAFKA_TOPIC='s', FORMAT='JSON_SR');
CREATE STREAM o WITH (FORMAT='JSON') AS SELECT * FROM i;
ASSERT STREAM i (ROWKEY INT KEY, LOWER BIGINT, M MAP<STRING, INT>) WITH (KAFKA_TOPIC='s', FORMAT='JSON_SR');
INSERT INTO s VALUES (1, 2, MAP('k' := 3));
ASSERT VALUES o (ROWKEY, LOWER, M) VALUES (1, 2, MAP('k' := 3));

--@test: groups and repartitions keep keys that a registry would number
CREATE STREAM s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='s', FORMAT='AVRO');
CREATE TABLE t AS SELECT v, COUNT(*) AS n FROM s GROUP BY v;
CREATE STREAM r AS SELECT * FROM s PARTITION BY v;
INSERT INTO s VALUES (1, '');
INSERT INTO s VALUES (2, 'a');
INSERT INTO s VALUES (3, '');
ASSERT VALUES t (v, n) VALUES ('', 1);
ASSERT VALUES t (v, n) VALUES ('a', 1);
ASSERT VALUES t (v, n) VALUES ('', 2);
ASSERT VALUES r (v, id) VALUES ('', 1);
ASSERT VALUES r (v, id) VALUES ('a', 2);
ASSERT VALUES r (v, id) VALUES ('', 3);

--@test: a topic without a schema has no columns to infer
--@expected.error: plan
--@expected.message: Schema for message values on topic 'nothing' does not exist in the Schema Registry.
CREATE STREAM s (id INT KEY) WITH (KAFKA_TOPIC='nothing', VALUE_FORMAT='AVRO');

--@test: a name that Avro does not have
--@expected.error: plan
--@expected.message: Schema is not compatible with Avro: Illegal initial character: 1st
CREATE STREAM s (id INT KEY, `1st` INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO');

--@test: an inserted key is written by the schema that its topic has
--@expected.error: plan
--@expected.message: Cannot INSERT VALUES into data source with topic s. ksqlDB generated schema would overwrite existing key schema.
CREATE STREAM s (id INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='AVRO');
CREATE STREAM other (id STRING KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='AVRO');
INSERT INTO s VALUES (1, 2);
ASSERT VALUES s (id, v) VALUES (1, 2);
INSERT INTO other VALUES ('1', 2);

--@test: PROTOBUF has no place for a MAP directly in an ARRAY
--@expected.error: plan
--@expected.message: PROTOBUF format does not support a MAP directly in an ARRAY, column: `C`. A STRUCT between the two holds it
CREATE STREAM s (id INT KEY, c ARRAY<MAP<STRING, INT>>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='PROTOBUF');

--@test: nor PROTOBUF_NOSR, however deep, and whoever makes the schema
--@expected.error: plan
--@expected.message: PROTOBUF format does not support a MAP directly in an ARRAY, column: `A`
CREATE STREAM s (id INT KEY, a STRUCT<b STRUCT<c ARRAY<MAP<STRING, INT>>>>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM o WITH (VALUE_FORMAT='PROTOBUF_NOSR') AS SELECT * FROM s;
