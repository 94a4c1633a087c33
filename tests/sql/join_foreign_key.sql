-- Foreign-key joins: rows of one table refer to rows of another, which may change as well.
CREATE TABLE orders (id INT PRIMARY KEY, who STRING, qty INT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
CREATE TABLE users (name STRING PRIMARY KEY, city STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON');
CREATE STREAM orders_raw (id INT KEY, bytes STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='KAFKA');
CREATE STREAM users_raw (name STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='KAFKA');

--@test: inner: changes of either side; all that refer to a row, in the order of their keys
CREATE TABLE out AS SELECT o.id AS id, qty, city FROM orders o JOIN users u ON o.who = u.name;
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (20, 'ann', 1, 10);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'rome', 5);
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (3, 'ann', 2, 3);
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (4, 'bob', 2, 3);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'oslo', 4);
INSERT INTO users_raw (name, bytes, ROWTIME) VALUES ('ann', NULL, 50);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (20, 1, 'rome', 5);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (3, 2, 'rome', 5);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (3, 2, 'oslo', 4);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (20, 1, 'oslo', 4);
ASSERT NULL VALUES out (id, ROWTIME) KEY (3, 50);
ASSERT NULL VALUES out (id, ROWTIME) KEY (20, 50);

--@test: inner: another row is referred to, none, and one that is not there
CREATE TABLE out AS SELECT o.id AS id, qty, city FROM orders o JOIN users u ON o.who = u.name;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO users (name, city) VALUES ('bob', 'oslo');
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 1);
INSERT INTO orders (id, who, qty) VALUES (1, 'bob', 1);
INSERT INTO users (name, city) VALUES ('ann', 'bonn');
INSERT INTO orders (id, who, qty) VALUES (1, NULL, 1);
INSERT INTO orders (id, who, qty) VALUES (1, NULL, 2);
INSERT INTO orders (id, who, qty) VALUES (1, 'ann', 3);
INSERT INTO orders (id, who, qty) VALUES (1, 'eve', 3);
INSERT INTO orders (id, who, qty) VALUES (1, 'eve', 4);
ASSERT VALUES out (id, qty, city) VALUES (1, 1, 'rome');
ASSERT VALUES out (id, qty, city) VALUES (1, 1, 'oslo');
ASSERT NULL VALUES out (id) KEY (1);
ASSERT VALUES out (id, qty, city) VALUES (1, 3, 'bonn');
ASSERT NULL VALUES out (id) KEY (1);

--@test: inner: a deleted left row; nobody asks for it any more
CREATE TABLE out AS SELECT o.id AS id, qty, city FROM orders o JOIN users u ON o.who = u.name;
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'rome', 30);
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (1, 'ann', 1, 10);
INSERT INTO orders_raw (id, bytes, ROWTIME) VALUES (1, NULL, 20);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'oslo', 40);
INSERT INTO orders_raw (id, bytes, ROWTIME) VALUES (1, NULL, 50);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 1, 'rome', 30);
ASSERT NULL VALUES out (id, ROWTIME) KEY (1, 30);

--@test: left: nulls where there is nothing to refer to
CREATE TABLE out AS SELECT o.id AS id, qty, city FROM orders o LEFT JOIN users u ON o.who = u.name;
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (1, 'ann', 1, 10);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'rome', 20);
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (1, NULL, 2, 30);
INSERT INTO users (name, city, ROWTIME) VALUES ('ann', 'oslo', 40);
INSERT INTO orders (id, who, qty, ROWTIME) VALUES (1, 'ann', 3, 35);
INSERT INTO users_raw (name, bytes, ROWTIME) VALUES ('ann', NULL, 50);
INSERT INTO orders_raw (id, bytes, ROWTIME) VALUES (1, NULL, 60);
INSERT INTO orders_raw (id, bytes, ROWTIME) VALUES (1, NULL, 70);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 1, NULL, 10);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 1, 'rome', 20);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 2, NULL, 30);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 3, 'oslo', 40);
ASSERT VALUES out (id, qty, city, ROWTIME) VALUES (1, 3, NULL, 50);
ASSERT NULL VALUES out (id, ROWTIME) KEY (1, 60);

--@test: by an expression, which may fail
CREATE TABLE out AS SELECT o.id AS id, city FROM orders o LEFT JOIN users u ON SUBSTRING(UCASE(o.who), 1, 3) = u.name;
INSERT INTO users (name, city) VALUES ('ANN', 'rome');
INSERT INTO orders (id, who) VALUES (1, 'annabel');
INSERT INTO orders (id) VALUES (2);
ASSERT VALUES out (id, city) VALUES (1, 'rome');
ASSERT VALUES out (id, city) VALUES (2, NULL);

--@test: a key of two columns refers by one of them
CREATE TABLE stock (shop STRING PRIMARY KEY, item INT PRIMARY KEY, n INT) WITH (KAFKA_TOPIC='stock', FORMAT='JSON');
CREATE TABLE shops (shop STRING PRIMARY KEY, boss STRING) WITH (KAFKA_TOPIC='shops', FORMAT='DELIMITED');
CREATE TABLE out AS SELECT s.shop AS shop, item, n, boss FROM stock s JOIN shops p ON s.shop = p.shop;
INSERT INTO stock (shop, item, n) VALUES ('a', 1, 10);
INSERT INTO stock (shop, item, n) VALUES ('a', 2, 20);
INSERT INTO shops (shop, boss) VALUES ('a', 'ann');
INSERT INTO stock (shop, item, n) VALUES ('a', 1, 11);
ASSERT VALUES out (shop, item, n, boss) VALUES ('a', 1, 10, 'ann');
ASSERT VALUES out (shop, item, n, boss) VALUES ('a', 2, 20, 'ann');
ASSERT VALUES out (shop, item, n, boss) VALUES ('a', 1, 11, 'ann');

--@test: groups over it, and a further table by the left key
CREATE TABLE paid (id INT PRIMARY KEY, cents INT) WITH (KAFKA_TOPIC='paid', VALUE_FORMAT='JSON');
CREATE TABLE out AS SELECT u.city AS city, SUM(p.cents) AS cents FROM orders o JOIN users u ON o.who = u.name JOIN paid p ON o.id = p.id GROUP BY u.city;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO orders (id, who) VALUES (1, 'ann');
INSERT INTO orders (id, who) VALUES (2, 'ann');
INSERT INTO paid (id, cents) VALUES (1, 5);
INSERT INTO paid (id, cents) VALUES (2, 7);
INSERT INTO users (name, city) VALUES ('ann', 'oslo');
ASSERT VALUES out (city, cents) VALUES ('rome', 5);
ASSERT VALUES out (city, cents) VALUES ('rome', 12);
ASSERT VALUES out (city, cents) VALUES ('rome', 7);
ASSERT VALUES out (city, cents) VALUES ('oslo', 5);
ASSERT VALUES out (city, cents) VALUES ('rome', 0);
ASSERT VALUES out (city, cents) VALUES ('oslo', 12);

--@test: a further table, the key from the left
CREATE TABLE paid (id INT PRIMARY KEY, cents INT) WITH (KAFKA_TOPIC='paid', VALUE_FORMAT='JSON');
CREATE TABLE out AS SELECT o.id AS id, city, cents FROM orders o JOIN users u ON o.who = u.name LEFT JOIN paid p ON o.id = p.id;
INSERT INTO users (name, city) VALUES ('ann', 'rome');
INSERT INTO orders (id, who) VALUES (1, 'ann');
INSERT INTO paid (id, cents) VALUES (1, 5);
INSERT INTO users_raw (name, bytes) VALUES ('ann', NULL);
ASSERT VALUES out (id, city, cents) VALUES (1, 'rome', NULL);
ASSERT VALUES out (id, city, cents) VALUES (1, 'rome', 5);
ASSERT NULL VALUES out (id) KEY (1);

--@test: the primary key has to be shown
--@expected.error: plan
--@expected.message: Primary key column missing in projection
CREATE TABLE out AS SELECT o.who AS who, city FROM orders o JOIN users u ON o.who = u.name;

--@test: neither right nor full
--@expected.error: plan
--@expected.message: full-outer join not supported for foreign-key table-table join
CREATE TABLE out AS SELECT o.id AS id, city FROM orders o FULL OUTER JOIN users u ON o.who = u.name;
