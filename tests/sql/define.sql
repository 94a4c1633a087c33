-- Statements that change what exists: types, variables, ALTER, OR REPLACE, DROP, IF NOT EXISTS, INSERT INTO.
CREATE STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: a type by name
CREATE TYPE address AS STRUCT<street STRING, zip INT>;
CREATE STREAM people (id INT KEY, home address) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT id, home->zip AS zip FROM people;
INSERT INTO people (id, home) VALUES (1, STRUCT(street := 'Elm', zip := 123));
ASSERT VALUES out (id, zip) VALUES (1, 123);
ASSERT STREAM people (id INT KEY, home STRUCT<street STRING, zip INT>) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');

--@test: a type that was dropped
--@expected.error
--@expected.message: Cannot resolve unknown type: ADDRESS
CREATE TYPE address AS STRUCT<street STRING>;
DROP TYPE address;
CREATE STREAM people (id INT KEY, home address) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');

--@test: variables in names, literals and texts
DEFINE target = 'renamed';
DEFINE low = '2';
DEFINE word = 'more';
CREATE STREAM ${target} AS SELECT k, a, 'say ${word}' AS t FROM s WHERE a >= ${low};
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('y', 2);
ASSERT VALUES renamed (k, a, t) VALUES ('y', 2, 'say more');

--@test: ALTER adds columns at the end
ALTER STREAM s ADD COLUMN c DOUBLE;
CREATE STREAM out AS SELECT * FROM s;
INSERT INTO s (k, a, c) VALUES ('x', 1, 1.5);
ASSERT VALUES out (k, a, b, c) VALUES ('x', 1, NULL, 1.5);

--@test: OR REPLACE changes a filter; what was written stays
CREATE STREAM out AS SELECT k, a FROM s WHERE a > 10;
INSERT INTO s (k, a) VALUES ('x', 11);
CREATE OR REPLACE STREAM out AS SELECT k, a FROM s WHERE a < 10;
INSERT INTO s (k, a) VALUES ('y', 12);
INSERT INTO s (k, a) VALUES ('z', 1);
ASSERT VALUES out (k, a) VALUES ('x', 11);
ASSERT VALUES out (k, a) VALUES ('z', 1);

--@test: OR REPLACE adds a column
CREATE STREAM out AS SELECT k, a FROM s;
CREATE OR REPLACE STREAM out AS SELECT k, a, b FROM s;
INSERT INTO s (k, a, b) VALUES ('x', 1, 'p');
ASSERT VALUES out (k, a, b) VALUES ('x', 1, 'p');

--@test: OR REPLACE keeps the key
--@expected.error: plan
CREATE STREAM out AS SELECT k, a, b FROM s;
CREATE OR REPLACE STREAM out AS SELECT a, k, b FROM s PARTITION BY a;

--@test: a sum goes on after OR REPLACE
CREATE TABLE t AS SELECT k, SUM(a) AS total FROM s GROUP BY k;
INSERT INTO s (k, a) VALUES ('x', 1);
CREATE OR REPLACE TABLE t AS SELECT k, SUM(a) AS total FROM s WHERE a > 1 GROUP BY k;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('x', 5);
ASSERT VALUES t (k, total) VALUES ('x', 1);
ASSERT VALUES t (k, total) VALUES ('x', 6);

--@test: OR REPLACE gives a stored sum another column
CREATE TABLE t AS SELECT k, SUM(a) AS total FROM s GROUP BY k;
INSERT INTO s (k, a) VALUES ('x', 1);
CREATE OR REPLACE TABLE t AS SELECT k, SUM(a) AS total, SUM(a) * 10 AS ten FROM s GROUP BY k;
INSERT INTO s (k, a) VALUES ('x', 2);
ASSERT VALUES t (k, total) VALUES ('x', 1);
ASSERT VALUES t (k, total, ten) VALUES ('x', 3, 30);

--@test: OR REPLACE of a table's table knows the old rows' new column
CREATE TABLE d (k STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='d', VALUE_FORMAT='JSON');
CREATE STREAM d_in (k STRING KEY, a INT, b INT) WITH (KAFKA_TOPIC='d', VALUE_FORMAT='JSON');
CREATE TABLE t AS SELECT k, a FROM d;
INSERT INTO d_in (k, a, b) VALUES ('x', 1, 9);
CREATE OR REPLACE TABLE d (k STRING PRIMARY KEY, a INT, b INT) WITH (KAFKA_TOPIC='d', VALUE_FORMAT='JSON');
CREATE OR REPLACE TABLE t AS SELECT k, a, b FROM d WHERE b > 5;
INSERT INTO d_in (k, a, b) VALUES ('x', 1, 2);
ASSERT VALUES t (k, a) VALUES ('x', 1);
ASSERT NULL VALUES t (k) KEY ('x');

--@test: IF NOT EXISTS leaves what is there
CREATE STREAM IF NOT EXISTS s (other INT KEY, v INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON');
ASSERT STREAM s (k STRING KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: drop and create again
CREATE STREAM out AS SELECT k, a FROM s;
TERMINATE ALL;
DROP STREAM out;
CREATE STREAM out WITH (KAFKA_TOPIC='second') AS SELECT k, b FROM s;
INSERT INTO s (k, b) VALUES ('x', 'p');
ASSERT VALUES out (k, b) VALUES ('x', 'p');

--@test: a terminated query does nothing any more
--@expected.empty: OUT
CREATE STREAM out AS SELECT k, a FROM s;
TERMINATE ALL;
INSERT INTO s (k, a) VALUES ('x', 1);

--@test: several INSERT INTO feed one stream
CREATE STREAM target (k STRING KEY, v INT) WITH (KAFKA_TOPIC='target', VALUE_FORMAT='JSON');
INSERT INTO target SELECT k, a AS v FROM s WHERE a < 5;
INSERT INTO target SELECT k, -a AS v FROM s WHERE a > 3;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('y', 4);
ASSERT VALUES target (k, v) VALUES ('x', 1);
ASSERT VALUES target (k, v) VALUES ('y', 4);
ASSERT VALUES target (k, v) VALUES ('y', -4);

--@test: SOURCE is read only
--@expected.error: plan
--@expected.message: Cannot insert values into read-only
CREATE SOURCE STREAM r (k STRING KEY, a INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON');
INSERT INTO r (k, a) VALUES ('x', 1);

--@test: an unknown query
--@expected.error: plan
--@expected.message: Unknown queryId: NOPE
TERMINATE nope;

--@test: a source stream cannot replace, not even nothing
--@expected.error: plan
--@expected.message: Cannot add stream 'FRESH': CREATE OR REPLACE is not supported on source streams.
CREATE OR REPLACE SOURCE STREAM fresh (k STRING KEY, a INT) WITH (KAFKA_TOPIC='fresh', VALUE_FORMAT='JSON');

--@test: a connector needs a Kafka Connect
--@expected.error: plan
--@expected.message: Failed to create connector: no Kafka Connect is configured. Set 'ksql.connect.url' in the server's configuration
CREATE SOURCE CONNECTOR IF NOT EXISTS c WITH ('connector.class'='x', 'password'='p');

--@test: so do lists of connectors
--@expected.error: plan
--@expected.message: Failed to list connectors: no Kafka Connect is configured.
SHOW SINK CONNECTORS;

--@test: ALTER SYSTEM is switched on by the operator
--@expected.error: plan
--@expected.message: Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is turned off.
ALTER SYSTEM 'ksql.output.topic.name.prefix'='p_';
