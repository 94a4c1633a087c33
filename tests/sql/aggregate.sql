-- GROUP BY: a table of one row per group, every change of it a record.
CREATE STREAM sales (shop STRING KEY, item STRING, qty INT, price DOUBLE) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON');

--@test: COUNT, SUM, MIN, MAX, AVG over the key
CREATE TABLE t AS SELECT shop, COUNT(*) AS n, SUM(qty) AS total, MIN(qty) AS least, MAX(qty) AS most, AVG(price) AS mean FROM sales GROUP BY shop;
INSERT INTO sales (shop, qty, price, ROWTIME) VALUES ('a', 4, 1.0, 10);
INSERT INTO sales (shop, qty, price, ROWTIME) VALUES ('b', 1, 5.0, 20);
INSERT INTO sales (shop, qty, price, ROWTIME) VALUES ('a', 2, 2.0, 30);
ASSERT VALUES t (shop, n, total, least, most, mean, ROWTIME) VALUES ('a', 1, 4, 4, 4, 1.0, 10);
ASSERT VALUES t (shop, n, total, least, most, mean, ROWTIME) VALUES ('b', 1, 1, 1, 1, 5.0, 20);
ASSERT VALUES t (shop, n, total, least, most, mean, ROWTIME) VALUES ('a', 2, 6, 2, 4, 1.5, 30);
ASSERT TABLE t (shop STRING PRIMARY KEY, n BIGINT, total INT, least INT, most INT, mean DOUBLE) WITH (KAFKA_TOPIC='T', VALUE_FORMAT='JSON');

--@test: by another column: the records are repartitioned
CREATE TABLE t AS SELECT item, SUM(qty) AS total FROM sales GROUP BY item;
INSERT INTO sales (shop, item, qty) VALUES ('a', 'nail', 4);
INSERT INTO sales (shop, item, qty) VALUES ('b', 'nail', 5);
INSERT INTO sales (shop, item, qty) VALUES ('b', 'saw', 1);
ASSERT VALUES t (item, total) VALUES ('nail', 4);
ASSERT VALUES t (item, total) VALUES ('nail', 9);
ASSERT VALUES t (item, total) VALUES ('saw', 1);

--@test: an expression as group
CREATE TABLE t AS SELECT UCASE(item) AS what, COUNT(*) AS n FROM sales GROUP BY UCASE(item);
INSERT INTO sales (shop, item) VALUES ('a', 'nail');
INSERT INTO sales (shop, item) VALUES ('a', 'Nail');
ASSERT VALUES t (what, n) VALUES ('NAIL', 1);
ASSERT VALUES t (what, n) VALUES ('NAIL', 2);

--@test: several columns as group
CREATE TABLE t WITH (KEY_FORMAT='JSON') AS SELECT shop, item, COUNT(*) AS n FROM sales GROUP BY shop, item;
INSERT INTO sales (shop, item) VALUES ('a', 'nail');
INSERT INTO sales (shop, item) VALUES ('b', 'nail');
INSERT INTO sales (shop, item) VALUES ('a', 'nail');
ASSERT VALUES t (shop, item, n) VALUES ('a', 'nail', 1);
ASSERT VALUES t (shop, item, n) VALUES ('b', 'nail', 1);
ASSERT VALUES t (shop, item, n) VALUES ('a', 'nail', 2);

--@test: expressions around and inside aggregates
CREATE TABLE t AS SELECT shop, SUM(qty * price) / COUNT(*) AS per_sale, MAX(qty) - MIN(qty) AS spread FROM sales GROUP BY shop;
INSERT INTO sales (shop, qty, price) VALUES ('a', 2, 1.5);
INSERT INTO sales (shop, qty, price) VALUES ('a', 6, 0.5);
ASSERT VALUES t (shop, per_sale, spread) VALUES ('a', 3.0, 0);
ASSERT VALUES t (shop, per_sale, spread) VALUES ('a', 3.0, 4);

--@test: collecting and picking
CREATE TABLE t AS SELECT shop, COLLECT_LIST(qty) AS items, COLLECT_SET(qty) AS kinds, LATEST_BY_OFFSET(item) AS last, EARLIEST_BY_OFFSET(item) AS first,
    TOPK(qty, 2) AS top, COUNT_DISTINCT(qty) AS distincts FROM sales GROUP BY shop;
INSERT INTO sales (shop, item, qty) VALUES ('a', 'nail', 1);
INSERT INTO sales (shop, item, qty) VALUES ('a', 'saw', 3);
INSERT INTO sales (shop, item, qty) VALUES ('a', 'glue', 3);
ASSERT VALUES t (shop, items, kinds, last, first, top, distincts) VALUES ('a', ARRAY[1], ARRAY[1], 'nail', 'nail', ARRAY[1], 1);
ASSERT VALUES t (shop, items, kinds, last, first, top, distincts) VALUES ('a', ARRAY[1, 3], ARRAY[1, 3], 'saw', 'nail', ARRAY[3, 1], 2);
ASSERT VALUES t (shop, items, kinds, last, first, top, distincts) VALUES ('a', ARRAY[1, 3, 3], ARRAY[1, 3], 'glue', 'nail', ARRAY[3, 3], 2);

--@test: null groups and null arguments
CREATE TABLE t AS SELECT item, COUNT(*) AS n, COUNT(qty) AS known, SUM(qty) AS total FROM sales GROUP BY item;
INSERT INTO sales (shop, qty) VALUES ('a', 1);
INSERT INTO sales (shop, item) VALUES ('a', 'nail');
INSERT INTO sales (shop, item, qty) VALUES ('a', 'nail', 5);
ASSERT VALUES t (item, n, known, total) VALUES ('nail', 1, 0, 0);
ASSERT VALUES t (item, n, known, total) VALUES ('nail', 2, 1, 5);

--@test: a filter before
CREATE TABLE t AS SELECT shop, COUNT(*) AS n FROM sales WHERE qty > 1 GROUP BY shop;
INSERT INTO sales (shop, qty) VALUES ('a', 1);
INSERT INTO sales (shop, qty) VALUES ('a', 2);
ASSERT VALUES t (shop, n) VALUES ('a', 1);

--@test: HAVING holds rows back, and takes them back
CREATE TABLE t AS SELECT shop, SUM(qty) AS total FROM sales GROUP BY shop HAVING SUM(qty) > 5;
INSERT INTO sales (shop, qty) VALUES ('a', 3);
INSERT INTO sales (shop, qty) VALUES ('a', 4);
INSERT INTO sales (shop, qty) VALUES ('a', -5);
ASSERT VALUES t (shop, total) VALUES ('a', 7);
ASSERT NULL VALUES t (shop) KEY ('a');

--@test: a stream that is not grouped has no aggregates
--@expected.error: plan
--@expected.message: without a GROUP BY clause.
CREATE TABLE t AS SELECT COUNT(*) AS n FROM sales;

--@test: what is neither group nor aggregate
--@expected.error: plan
--@expected.message: Non-aggregate SELECT expression(s) not part of GROUP BY: ITEM
CREATE TABLE t AS SELECT shop, item, COUNT(*) AS n FROM sales GROUP BY shop;

--@test: nested aggregates
--@expected.error: plan
--@expected.message: Aggregate functions can not be nested: SUM(COUNT(
CREATE TABLE t AS SELECT shop, SUM(COUNT(*)) AS n FROM sales GROUP BY shop;

--@test: groups without aggregates
--@expected.error: plan
--@expected.message: GROUP BY requires aggregate functions in either the SELECT or HAVING clause.
CREATE TABLE t AS SELECT shop FROM sales GROUP BY shop;

--@test: an aggregation is a table
--@expected.error: plan
--@expected.message: Your SELECT query produces a TABLE.
CREATE STREAM t AS SELECT shop, COUNT(*) AS n FROM sales GROUP BY shop;
