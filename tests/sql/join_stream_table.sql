-- Stream-table joins: every record of the stream meets the row its key has at that moment; updates of the table emit nothing.
CREATE STREAM orders (id INT KEY, who STRING, qty INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
CREATE TABLE users (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON');
CREATE STREAM users_raw (name STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='KAFKA');

--@test: inner: unmatched records are dropped
CREATE STREAM out AS SELECT o.who AS who, o.id AS id, u.city AS city FROM orders o JOIN users u ON o.who = u.name;
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'rome', 5);
INSERT INTO orders (id, who, ROWTIME) VALUES (1, 'ann', 10);
INSERT INTO orders (id, who, ROWTIME) VALUES (2, 'bob', 20);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'oslo', 30);
INSERT INTO orders (id, who, ROWTIME) VALUES (3, 'ann', 40);
ASSERT VALUES out (who, id, city, ROWTIME) VALUES ('ann', 1, 'rome', 10);
ASSERT VALUES out (who, id, city, ROWTIME) VALUES ('ann', 3, 'oslo', 40);

--@test: left: unmatched records have nulls
CREATE STREAM out AS SELECT o.who AS who, o.id AS id, u.city AS city FROM orders o LEFT JOIN users u ON o.who = u.name;
INSERT INTO orders (id, who) VALUES (1, 'ann');
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO orders (id, who) VALUES (2, 'ann');
ASSERT VALUES out (who, id, city) VALUES ('ann', 1, NULL);
ASSERT VALUES out (who, id, city) VALUES ('ann', 2, 'rome');

--@test: a deleted row does not match any more
CREATE STREAM out AS SELECT o.who AS who, o.id AS id, u.city AS city FROM orders o LEFT JOIN users u ON o.who = u.name;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO users_raw (name, bytes) VALUES ('ann', NULL);
INSERT INTO orders (id, who) VALUES (1, 'ann');
ASSERT VALUES out (who, id, city) VALUES ('ann', 1, NULL);

--@test: on the key of the stream: no repartition
CREATE STREAM logins (name STRING KEY, n INT) WITH (KAFKA_TOPIC='logins', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT logins.name AS name, n, city FROM logins JOIN users ON logins.name = users.name;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO logins (name, n) VALUES ('ann', 7);
ASSERT VALUES out (name, n, city) VALUES ('ann', 7, 'rome');

--@test: * names columns after their sources
CREATE STREAM out AS SELECT * FROM orders o JOIN users u ON o.who = u.name;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 5);
ASSERT VALUES out (o_who, o_id, o_qty, u_name, u_city) VALUES ('ann', 1, 5, 'ann', 'rome');

--@test: with a condition over both sides
CREATE STREAM out AS SELECT o.who AS who, o.id AS id, u.city AS city FROM orders o JOIN users u ON o.who = u.name WHERE u.city = 'rome' AND o.qty > 1;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO users (name, city) VALUES ('bob', 'oslo');
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 1);
INSERT INTO orders (id, who, qty) VALUES (2, 'bob', 2);
INSERT INTO orders (id, who, qty) VALUES (3, 'ann', 3);
ASSERT VALUES out (who, id, city) VALUES ('ann', 3, 'rome');

--@test: with a table that a query keeps
CREATE TABLE totals AS SELECT who, SUM(qty) AS total FROM orders GROUP BY who;
CREATE STREAM asks (who STRING KEY, n INT) WITH (KAFKA_TOPIC='asks', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT a.who AS who, n, total FROM asks a JOIN totals t ON a.who = t.who;
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 5);
INSERT INTO orders (id, who, qty) VALUES (2, 'ann', 6);
INSERT INTO asks (who, n) VALUES ('ann', 1);
ASSERT VALUES out (who, n, total) VALUES ('ann', 1, 11);

--@test: a join, then an aggregate
CREATE TABLE t AS SELECT u.city AS city, SUM(o.qty) AS total FROM orders o JOIN users u ON o.who = u.name GROUP BY u.city;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO users (name, city) VALUES ('bob', 'rome');
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 1);
INSERT INTO orders (id, who, qty) VALUES (2, 'bob', 2);
ASSERT VALUES t (city, total) VALUES ('rome', 1);
ASSERT VALUES t (city, total) VALUES ('rome', 3);

--@test: the table is joined on its primary key
--@expected.error: plan
--@expected.message: Invalid join condition: stream-table joins require to join on the table's primary key.
CREATE STREAM out AS SELECT * FROM orders o JOIN users u ON o.who = u.city;

--@test: WITHIN is for two streams
--@expected.error: plan
--@expected.message: A window definition was provided for a Stream-Table join.
CREATE STREAM out AS SELECT * FROM orders o JOIN users u WITHIN 1 HOUR ON o.who = u.name;

--@test: key types differ
--@expected.error: plan
--@expected.message: Invalid join. Key types differ: INTEGER vs STRING
CREATE STREAM out AS SELECT * FROM orders o JOIN users u ON o.id = u.name;

--@test: a table does not join a stream
--@expected.error: plan
--@expected.message: Invalid join order: table-stream joins are not supported; only stream-table joins.
CREATE STREAM out AS SELECT * FROM users u JOIN orders o ON u.name = o.who;
