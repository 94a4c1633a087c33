-- Stream-stream joins: rows of equal keys whose times are near. WITHIN says how near, GRACE PERIOD when a row has waited long enough.
CREATE STREAM orders (id STRING KEY, item STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
CREATE STREAM payments (id STRING KEY, cents BIGINT) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON');
CREATE STREAM payments_raw (id STRING KEY, bytes STRING) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='KAFKA');

--@test: inner: both orders of arrival, both ends of the window included, the later time
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o JOIN payments p WITHIN 10 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 20000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 10000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 2, 9999);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 3, 30000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 4, 30001);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 5, 20000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'rum', 40001);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 1, 20000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 3, 30000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'rum', 4, 40001);

--@test: before and after differ, seen from the left
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o JOIN payments p WITHIN (1 SECOND, 5 SECONDS) ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 10000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 8999);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 2, 9000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 3, 15000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 4, 15001);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 2, 10000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 3, 15000);

--@test: all pairs, by time and then as they came
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o JOIN payments p WITHIN 10 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'second', 2000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'first', 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'third', 2000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 1500);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 2, 1500);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'first', 1, 1500);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'second', 1, 2000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'third', 1, 2000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'first', 2, 1500);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'second', 2, 2000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'third', 2, 2000);

--@test: what is older than its side's newest by window and grace still finds matches, but is found by none
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 5 SECONDS ON o.id = p.id;
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 100000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'new', 125000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'late', 100000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'just', 100001);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 2, 100001);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'late', 1, 100000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'just', 1, 100001);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'just', 2, 100001);

--@test: left without GRACE: nulls at once, and the match as well
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 2000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 2, 2000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', NULL, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 1, 2000);

--@test: left with GRACE: nulls once time is past window and grace, whoever's record that shows
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 5 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'rum', 2000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('c', 'ale', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('c', 7, 3000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('z', 1, 16000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('z', 2, 16001);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('z', 3, 20000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('c', 'ale', 7, 3000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', NULL, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('b', 'rum', NULL, 2000);

--@test: left with GRACE: a row that comes when no match can is not kept waiting
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 5 SECONDS ON o.id = p.id;
INSERT INTO payments (id, cents, ROWTIME) VALUES ('z', 1, 20000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 9999);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'rum', 10000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', NULL, 9999);

--@test: a match takes all waiting rows of that key and time
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'rum', 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'ale', 900);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 11000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('z', 2, 40000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'ale', NULL, 900);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'tea', 1, 11000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', 'rum', 1, 11000);

--@test: right: the sides are exchanged
CREATE STREAM out AS SELECT p.id AS id, item, cents FROM orders o RIGHT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON o.id = p.id;
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 2, 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'rum', 500);
INSERT INTO orders (id, item, ROWTIME) VALUES ('c', 'tea', 20000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('b', 'rum', 2, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('a', NULL, 1, 1000);

--@test: full: both sides come out alone, right before left at the same time
CREATE STREAM out AS SELECT ROWKEY AS id, item, cents, o.id AS oid, p.id AS pid FROM orders o FULL OUTER JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 2, 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('c', 'ale', 2000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('c', 3, 2000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('d', 'gin', 30000);
ASSERT VALUES out (id, item, cents, oid, pid, ROWTIME) VALUES ('c', 'ale', 3, 'c', 'c', 2000);
ASSERT VALUES out (id, item, cents, oid, pid, ROWTIME) VALUES ('b', NULL, 2, NULL, 'b', 1000);
ASSERT VALUES out (id, item, cents, oid, pid, ROWTIME) VALUES ('a', 'tea', NULL, 'a', NULL, 1000);

--@test: null keys match nothing; on the preserved side they come out at once
CREATE STREAM out AS SELECT ROWKEY AS id, item, cents FROM orders o FULL OUTER JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON UCASE(o.item) = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', NULL, 1000);
INSERT INTO payments (cents, ROWTIME) VALUES (1, 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'x', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('X', 2, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES (NULL, NULL, NULL, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES (NULL, NULL, 1, 1000);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('X', 'x', 2, 1000);

--@test: inner: null keys and null rows match nothing, but time goes on with them
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o LEFT JOIN payments p WITHIN 10 SECONDS GRACE PERIOD 0 SECONDS ON o.id = p.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO payments_raw (id, bytes, ROWTIME) VALUES ('a', NULL, 5000);
INSERT INTO payments_raw (id, bytes, ROWTIME) VALUES ('a', NULL, 90000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'rum', 1001);
ASSERT VALUES out (id, item, cents, ROWTIME) VALUES ('b', 'rum', NULL, 1001);

--@test: unlike key formats and types of columns: the side that is not keyed so is repartitioned
CREATE STREAM refunds (k INT KEY, pay STRING, why STRING) WITH (KAFKA_TOPIC='refunds', FORMAT='JSON');
CREATE STREAM out AS SELECT o.id AS id, item, why FROM orders o JOIN refunds r WITHIN 10 SECONDS ON o.id = r.pay;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO refunds (k, pay, why, ROWTIME) VALUES (1, 'a', 'cold', 3000);
ASSERT VALUES out (id, item, why, ROWTIME) VALUES ('a', 'tea', 'cold', 3000);

--@test: three streams, each join with a window of its own
CREATE STREAM parcels (id STRING KEY, kg DOUBLE) WITH (KAFKA_TOPIC='parcels', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT o.id AS id, item, cents, kg FROM orders o JOIN payments p WITHIN 10 SECONDS ON o.id = p.id LEFT JOIN parcels k WITHIN 1 SECOND ON p.id = k.id;
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 1, 5000);
INSERT INTO parcels (id, kg, ROWTIME) VALUES ('a', 0.5, 6000);
INSERT INTO parcels (id, kg, ROWTIME) VALUES ('a', 0.7, 6001);
ASSERT VALUES out (id, item, cents, kg, ROWTIME) VALUES ('a', 'tea', 1, NULL, 5000);
ASSERT VALUES out (id, item, cents, kg, ROWTIME) VALUES ('a', 'tea', 1, 0.5, 6000);

--@test: then a table, then a filter, then groups
CREATE TABLE prices (item STRING PRIMARY KEY, price BIGINT) WITH (KAFKA_TOPIC='prices', VALUE_FORMAT='JSON');
CREATE TABLE out AS SELECT o.item AS item, SUM(cents - price) AS over FROM orders o JOIN payments p WITHIN 10 SECONDS ON o.id = p.id JOIN prices t ON o.item = t.item WHERE cents > 1 GROUP BY o.item;
INSERT INTO prices (item, price, ROWTIME) VALUES ('tea', 10, 0);
INSERT INTO orders (id, item, ROWTIME) VALUES ('a', 'tea', 1000);
INSERT INTO orders (id, item, ROWTIME) VALUES ('b', 'tea', 1000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('a', 12, 2000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 1, 2000);
INSERT INTO payments (id, cents, ROWTIME) VALUES ('b', 15, 2000);
ASSERT VALUES out (item, over) VALUES ('tea', 2);
ASSERT VALUES out (item, over) VALUES ('tea', 7);

--@test: WITHIN is a must
--@expected.error: plan
--@expected.message: Stream-Stream joins must have a WITHIN clause specified
CREATE STREAM out AS SELECT o.id AS id, item, cents FROM orders o JOIN payments p ON o.id = p.id;
