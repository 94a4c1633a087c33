-- Tables: the latest row of a key, tombstones, filters that take back, aggregates that undo. Tombstones come through a stream of raw text.
CREATE TABLE users (id STRING PRIMARY KEY, city STRING, age INT) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON');
CREATE STREAM users_raw (id STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='KAFKA');

--@test: a projection keeps updates and deletions
CREATE TABLE t AS SELECT id, UCASE(city) AS city FROM users;
INSERT INTO users (id, city) VALUES ('u', 'rome');
INSERT INTO users (id, city) VALUES ('u', 'oslo');
INSERT INTO users_raw (id, bytes) VALUES ('u', NULL);
ASSERT VALUES t (id, city) VALUES ('u', 'ROME');
ASSERT VALUES t (id, city) VALUES ('u', 'OSLO');
ASSERT NULL VALUES t (id) KEY ('u');

--@test: a row that stops matching becomes a tombstone, one that never matched nothing
CREATE TABLE adults AS SELECT id, age FROM users WHERE age >= 18;
INSERT INTO users (id, age) VALUES ('u', 17);
INSERT INTO users (id, age) VALUES ('u', 18);
INSERT INTO users (id, age) VALUES ('u', 3);
INSERT INTO users (id, age) VALUES ('u', 4);
INSERT INTO users (id, age) VALUES ('v', 40);
ASSERT VALUES adults (id, age) VALUES ('u', 18);
ASSERT NULL VALUES adults (id) KEY ('u');
ASSERT VALUES adults (id, age) VALUES ('v', 40);

--@test: an aggregate over a table undoes
CREATE TABLE t AS SELECT city, COUNT(*) AS n, SUM(age) AS years_sum FROM users GROUP BY city;
INSERT INTO users (id, city, age) VALUES ('u', 'rome', 10);
INSERT INTO users (id, city, age) VALUES ('v', 'rome', 20);
INSERT INTO users (id, city, age) VALUES ('u', 'oslo', 30);
INSERT INTO users_raw (id, bytes) VALUES ('v', NULL);
ASSERT VALUES t (city, n, years_sum) VALUES ('rome', 1, 10);
ASSERT VALUES t (city, n, years_sum) VALUES ('rome', 2, 30);
ASSERT VALUES t (city, n, years_sum) VALUES ('rome', 1, 20);
ASSERT VALUES t (city, n, years_sum) VALUES ('oslo', 1, 30);
ASSERT VALUES t (city, n, years_sum) VALUES ('rome', 0, 0);

--@test: a table over a table over a stream
CREATE STREAM clicks (id STRING KEY, n INT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON');
CREATE TABLE counts AS SELECT id, COUNT(*) AS n FROM clicks GROUP BY id;
CREATE TABLE busy AS SELECT id, n FROM counts WHERE n > 1;
INSERT INTO clicks (id, n) VALUES ('a', 1);
INSERT INTO clicks (id, n) VALUES ('a', 1);
ASSERT VALUES counts (id, n) VALUES ('a', 1);
ASSERT VALUES counts (id, n) VALUES ('a', 2);
ASSERT VALUES busy (id, n) VALUES ('a', 2);

--@test: a row of nulls is no tombstone
CREATE TABLE t AS SELECT id, city FROM users;
INSERT INTO users (id, city) VALUES ('u', NULL);
ASSERT VALUES t (id, city) VALUES ('u', NULL);

--@test: a table has a primary key
--@expected.error: plan
--@expected.message: Tables require a PRIMARY KEY. Please define the PRIMARY KEY.
CREATE TABLE bad (id STRING, v INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');

--@test: a KEY is a stream's
--@expected.error: syntax
--@expected.message: Column `ID` is a 'KEY' column: please use 'PRIMARY KEY' for tables.
CREATE TABLE bad (id STRING KEY, v INT) WITH (KAFKA_TOPIC='bad', VALUE_FORMAT='JSON');

--@test: a table is not repartitioned
--@expected.error: plan
--@expected.message: Cannot repartition a TABLE source.
CREATE TABLE bad AS SELECT * FROM users PARTITION BY city;

--@test: LATEST_BY_OFFSET has no undo
--@expected.error: plan
--@expected.message: The aggregation function LATEST_BY_OFFSET cannot be applied to a table source, only to a stream source.
CREATE TABLE bad AS SELECT city, LATEST_BY_OFFSET(age) AS a FROM users GROUP BY city;

--@test: no stream from a table
--@expected.error: plan
--@expected.message: Your SELECT query produces a TABLE.
CREATE STREAM bad AS SELECT id, city FROM users;

--@test: rows of a table need their key
--@expected.error: plan
--@expected.message: Value for primary key column(s) `ID` is required for tables
INSERT INTO users (city) VALUES ('rome');
