-- Table-table joins on primary keys: a change of either side is a change of the result.
CREATE TABLE users (id INT PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON');
CREATE TABLE homes (id INT PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='homes', VALUE_FORMAT='JSON');
CREATE STREAM users_raw (id INT KEY, bytes STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='KAFKA');
CREATE STREAM homes_raw (id INT KEY, bytes STRING) WITH (KAFKA_TOPIC='homes', VALUE_FORMAT='KAFKA');

--@test: inner: both sides there, the later time; a deleted side deletes
CREATE TABLE out AS SELECT u.id AS id, name, city FROM users u JOIN homes h ON u.id = h.id;
INSERT INTO users (id, name, ROWTIME) VALUES (1, 'ann', 10);
INSERT INTO homes (id, city, ROWTIME) VALUES (2, 'oslo', 20);
INSERT INTO homes (id, city, ROWTIME) VALUES (1, 'rome', 5);
INSERT INTO users (id, name, ROWTIME) VALUES (1, 'anna', 3);
INSERT INTO homes_raw (id, bytes, ROWTIME) VALUES (1, NULL, 50);
INSERT INTO users_raw (id, bytes, ROWTIME) VALUES (1, NULL, 60);
ASSERT VALUES out (id, name, city, ROWTIME) VALUES (1, 'ann', 'rome', 10);
ASSERT VALUES out (id, name, city, ROWTIME) VALUES (1, 'anna', 'rome', 5);
ASSERT NULL VALUES out (id, ROWTIME) KEY (1, 50);

--@test: left: nulls where the right side is missing, a tombstone only with the left
CREATE TABLE out AS SELECT u.id AS id, name, city FROM users u LEFT JOIN homes h ON u.id = h.id;
INSERT INTO homes (id, city, ROWTIME) VALUES (1, 'rome', 5);
INSERT INTO users (id, name, ROWTIME) VALUES (2, 'bob', 6);
INSERT INTO homes (id, city, ROWTIME) VALUES (2, 'oslo', 7);
INSERT INTO homes_raw (id, bytes, ROWTIME) VALUES (2, NULL, 8);
INSERT INTO users_raw (id, bytes, ROWTIME) VALUES (2, NULL, 9);
INSERT INTO homes_raw (id, bytes, ROWTIME) VALUES (2, NULL, 10);
ASSERT VALUES out (id, name, city, ROWTIME) VALUES (2, 'bob', NULL, 6);
ASSERT VALUES out (id, name, city, ROWTIME) VALUES (2, 'bob', 'oslo', 7);
ASSERT VALUES out (id, name, city, ROWTIME) VALUES (2, 'bob', NULL, 8);
ASSERT NULL VALUES out (id, ROWTIME) KEY (2, 9);

--@test: right: the sides are exchanged
CREATE TABLE out AS SELECT h.id AS id, name, city FROM users u RIGHT JOIN homes h ON u.id = h.id;
INSERT INTO users (id, name) VALUES (1, 'ann');
INSERT INTO homes (id, city) VALUES (2, 'oslo');
INSERT INTO homes (id, city) VALUES (1, 'rome');
INSERT INTO users_raw (id, bytes) VALUES (1, NULL);
INSERT INTO homes_raw (id, bytes) VALUES (1, NULL);
ASSERT VALUES out (id, name, city) VALUES (2, NULL, 'oslo');
ASSERT VALUES out (id, name, city) VALUES (1, 'ann', 'rome');
ASSERT VALUES out (id, name, city) VALUES (1, NULL, 'rome');
ASSERT NULL VALUES out (id) KEY (1);

--@test: full: a row while either side is there
CREATE TABLE out AS SELECT ROWKEY AS id, name, city, u.id AS uid, h.id AS hid FROM users u FULL OUTER JOIN homes h ON u.id = h.id;
INSERT INTO users (id, name) VALUES (1, 'ann');
INSERT INTO homes (id, city) VALUES (1, 'rome');
INSERT INTO users_raw (id, bytes) VALUES (1, NULL);
INSERT INTO homes_raw (id, bytes) VALUES (1, NULL);
INSERT INTO homes_raw (id, bytes) VALUES (1, NULL);
ASSERT VALUES out (id, name, city, uid, hid) VALUES (1, 'ann', NULL, 1, NULL);
ASSERT VALUES out (id, name, city, uid, hid) VALUES (1, 'ann', 'rome', 1, 1);
ASSERT VALUES out (id, name, city, uid, hid) VALUES (1, NULL, 'rome', NULL, 1);
ASSERT NULL VALUES out (id) KEY (1);

--@test: a condition over both sides: rows come and go
CREATE TABLE out AS SELECT u.id AS id, name, city FROM users u JOIN homes h ON u.id = h.id WHERE city = 'rome' AND name <> 'x';
INSERT INTO users (id, name) VALUES (1, 'ann');
INSERT INTO homes (id, city) VALUES (1, 'oslo');
INSERT INTO homes (id, city) VALUES (1, 'rome');
INSERT INTO users (id, name) VALUES (1, 'x');
INSERT INTO homes (id, city) VALUES (1, 'bonn');
ASSERT VALUES out (id, name, city) VALUES (1, 'ann', 'rome');
ASSERT NULL VALUES out (id) KEY (1);

--@test: groups over a join: what a change takes out is what was put in
CREATE TABLE out AS SELECT city, COUNT(*) AS n, COLLECT_LIST(name) AS names FROM users u LEFT JOIN homes h ON u.id = h.id GROUP BY city;
INSERT INTO homes (id, city) VALUES (1, 'rome');
INSERT INTO users (id, name) VALUES (1, 'ann');
INSERT INTO homes (id, city) VALUES (2, 'rome');
INSERT INTO users (id, name) VALUES (2, 'bob');
INSERT INTO users (id, name) VALUES (1, 'anna');
INSERT INTO homes (id, city) VALUES (1, 'oslo');
INSERT INTO homes_raw (id, bytes) VALUES (2, NULL);
ASSERT VALUES out (city, n, names) VALUES ('rome', 1, ARRAY['ann']);
ASSERT VALUES out (city, n, names) VALUES ('rome', 2, ARRAY['ann', 'bob']);
ASSERT VALUES out (city, n, names) VALUES ('rome', 2, ARRAY['bob', 'anna']);
ASSERT VALUES out (city, n, names) VALUES ('rome', 1, ARRAY['bob']);
ASSERT VALUES out (city, n, names) VALUES ('oslo', 1, ARRAY['anna']);
ASSERT VALUES out (city, n) VALUES ('rome', 0);

--@test: four tables, by whichever key, of mixed types
CREATE TABLE pets (id INT PRIMARY KEY, pet STRING) WITH (KAFKA_TOPIC='pets', VALUE_FORMAT='JSON');
CREATE TABLE cars (id INT PRIMARY KEY, car STRING) WITH (KAFKA_TOPIC='cars', VALUE_FORMAT='JSON');
CREATE TABLE out AS SELECT u.id AS id, name, city, pet, car FROM users u JOIN homes h ON u.id = h.id LEFT JOIN pets p ON h.id = p.id JOIN cars c ON p.id = c.id;
INSERT INTO users (id, name, ROWTIME) VALUES (1, 'ann', 4);
INSERT INTO cars (id, car, ROWTIME) VALUES (1, 'fiat', 3);
INSERT INTO homes (id, city, ROWTIME) VALUES (1, 'rome', 2);
INSERT INTO pets (id, pet, ROWTIME) VALUES (1, 'cat', 9);
INSERT INTO homes (id, city, ROWTIME) VALUES (1, 'oslo', 1);
INSERT INTO users_raw (id, bytes, ROWTIME) VALUES (1, NULL, 20);
ASSERT VALUES out (id, name, city, pet, car, ROWTIME) VALUES (1, 'ann', 'rome', NULL, 'fiat', 4);
ASSERT VALUES out (id, name, city, pet, car, ROWTIME) VALUES (1, 'ann', 'rome', 'cat', 'fiat', 9);
ASSERT VALUES out (id, name, city, pet, car, ROWTIME) VALUES (1, 'ann', 'oslo', 'cat', 'fiat', 9);
ASSERT NULL VALUES out (id, ROWTIME) KEY (1, 20);

--@test: keys in unlike formats: the table that differs is written again
CREATE TABLE tags (id INT PRIMARY KEY, tag STRING) WITH (KAFKA_TOPIC='tags', FORMAT='JSON');
CREATE TABLE out AS SELECT u.id AS id, name, tag FROM users u LEFT JOIN tags t ON u.id = t.id;
INSERT INTO tags (id, tag) VALUES (1, 'red');
INSERT INTO users (id, name) VALUES (1, 'ann');
INSERT INTO tags (id, tag) VALUES (1, 'blue');
ASSERT VALUES out (id, name, tag) VALUES (1, 'ann', 'red');
ASSERT VALUES out (id, name, tag) VALUES (1, 'ann', 'blue');

--@test: a stream and a table with keys in unlike formats
CREATE TABLE tags (id INT PRIMARY KEY, tag STRING) WITH (KAFKA_TOPIC='tags', FORMAT='JSON');
CREATE STREAM clicks (id INT KEY, url STRING) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='DELIMITED');
CREATE STREAM out AS SELECT c.id AS id, url, tag FROM clicks c JOIN tags t ON c.id = t.id;
INSERT INTO clicks (id, url) VALUES (1, '/');
INSERT INTO tags (id, tag) VALUES (1, 'red');
INSERT INTO clicks (id, url) VALUES (1, '/a');
ASSERT VALUES out (id, url, tag) VALUES (1, '/a', 'red');

--@test: keys of a compound type
CREATE TABLE p (k STRUCT<a INT, b STRING> PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='p', FORMAT='JSON');
CREATE TABLE q (k STRUCT<a INT, b STRING> PRIMARY KEY, w DOUBLE) WITH (KAFKA_TOPIC='q', FORMAT='JSON');
CREATE TABLE out AS SELECT p.k AS k, v, w FROM p FULL OUTER JOIN q ON p.k = q.k EMIT CHANGES;
--@expected.error: plan
--@expected.message: Key missing from projection

--@test: keys of a compound type, inner
CREATE TABLE p (k STRUCT<a INT, b STRING> PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='p', FORMAT='JSON');
CREATE TABLE q (k STRUCT<a INT, b STRING> PRIMARY KEY, w DOUBLE) WITH (KAFKA_TOPIC='q', FORMAT='JSON');
CREATE TABLE out AS SELECT p.k AS k, v, w FROM p JOIN q ON p.k = q.k;
INSERT INTO p (k, v) VALUES (STRUCT(a := 1, b := ''), 7);
INSERT INTO q (k, w) VALUES (STRUCT(a := 1, b := CAST(NULL AS STRING)), 0.1);
INSERT INTO q (k, w) VALUES (STRUCT(a := 1, b := ''), 0.5);
ASSERT VALUES out (k, v, w) VALUES (STRUCT(a := 1, b := ''), 7, 0.5);

--@test: WITHIN is for streams
--@expected.error: plan
--@expected.message: A window definition was provided for a Table-Table join.
CREATE TABLE out AS SELECT u.id AS id, name, city FROM users u JOIN homes h WITHIN 1 SECOND ON u.id = h.id;
