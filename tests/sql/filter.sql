-- WHERE keeps the rows for which a condition is true; NULL is dropped exactly like FALSE.
CREATE STREAM orders (id STRING KEY, item STRING, qty INT, price DOUBLE) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');

--@test: keeps true, drops false and null
CREATE STREAM big AS SELECT * FROM orders WHERE qty > 5;
INSERT INTO orders (id, item, qty, price, ROWTIME) VALUES ('a', 'nail', 10, 0.5, 100);
INSERT INTO orders (id, item, qty, price, ROWTIME) VALUES ('b', 'saw', 1, 9.5, 200);
INSERT INTO orders (id, item, price, ROWTIME) VALUES ('c', 'glue', 2.25, 300);
INSERT INTO orders (id, item, qty, price, ROWTIME) VALUES ('d', 'tape', 6, 1.0, 400);
ASSERT VALUES big (id, item, qty, price, ROWTIME) VALUES ('a', 'nail', 10, 0.5, 100);
ASSERT VALUES big (id, item, qty, price, ROWTIME) VALUES ('d', 'tape', 6, 1.0, 400);

--@test: AND, OR, NOT and parentheses
CREATE STREAM out AS SELECT id, qty FROM orders WHERE NOT (qty < 3 OR qty > 7) AND item <> 'saw';
INSERT INTO orders (id, item, qty) VALUES ('a', 'nail', 2);
INSERT INTO orders (id, item, qty) VALUES ('b', 'nail', 3);
INSERT INTO orders (id, item, qty) VALUES ('c', 'saw', 5);
INSERT INTO orders (id, item, qty) VALUES ('d', 'nail', 7);
INSERT INTO orders (id, item, qty) VALUES ('e', 'nail', 8);
ASSERT VALUES out (id, qty) VALUES ('b', 3);
ASSERT VALUES out (id, qty) VALUES ('d', 7);

--@test: LIKE, IN, BETWEEN, IS NULL
CREATE STREAM liked AS SELECT id, item FROM orders WHERE item LIKE 's%w';
CREATE STREAM listed AS SELECT id, item FROM orders WHERE item IN ('nail', 'glue');
CREATE STREAM middle AS SELECT id, qty FROM orders WHERE qty BETWEEN 2 AND 4;
CREATE STREAM unknown AS SELECT id, item FROM orders WHERE item IS NULL;
INSERT INTO orders (id, item, qty) VALUES ('a', 'saw', 1);
INSERT INTO orders (id, item, qty) VALUES ('b', 'nail', 2);
INSERT INTO orders (id, item, qty) VALUES ('c', 'glue', 4);
INSERT INTO orders (id, item, qty) VALUES ('d', 'straw', 5);
INSERT INTO orders (id) VALUES ('e');
ASSERT VALUES liked (id, item) VALUES ('a', 'saw');
ASSERT VALUES liked (id, item) VALUES ('d', 'straw');
ASSERT VALUES listed (id, item) VALUES ('b', 'nail');
ASSERT VALUES listed (id, item) VALUES ('c', 'glue');
ASSERT VALUES middle (id, qty) VALUES ('b', 2);
ASSERT VALUES middle (id, qty) VALUES ('c', 4);
ASSERT VALUES unknown (id, item) VALUES ('e', NULL);

--@test: a filter on a key and on a pseudo column
CREATE STREAM keyed AS SELECT id, qty FROM orders WHERE id = 'b';
CREATE STREAM late AS SELECT id, qty FROM orders WHERE ROWTIME >= 150;
INSERT INTO orders (id, qty, ROWTIME) VALUES ('a', 1, 100);
INSERT INTO orders (id, qty, ROWTIME) VALUES ('b', 2, 200);
ASSERT VALUES keyed (id, qty) VALUES ('b', 2);
ASSERT VALUES late (id, qty, ROWTIME) VALUES ('b', 2, 200);

--@test: a row whose condition fails is skipped, the query lives on
CREATE STREAM out AS SELECT id, qty FROM orders WHERE 10 / qty > 2;
INSERT INTO orders (id, qty) VALUES ('a', 0);
INSERT INTO orders (id, qty) VALUES ('b', 2);
ASSERT VALUES out (id, qty) VALUES ('b', 2);

--@test: nothing comes out when nothing matches
--@expected.empty: NONE
CREATE STREAM none AS SELECT id, qty FROM orders WHERE qty > 100;
INSERT INTO orders (id, qty) VALUES ('a', 100);

--@test: a condition must be boolean
--@expected.error: plan
--@expected.message: Type error in WHERE expression: Should evaluate to boolean but is QTY
CREATE STREAM out AS SELECT * FROM orders WHERE qty;

--@test: text is no number
--@expected.error: plan
--@expected.message: Error in WHERE expression: Cannot compare ITEM (STRING) to 5 (INTEGER) with GREATER_THAN
CREATE STREAM out AS SELECT * FROM orders WHERE item > 5;

--@test: NULL is not comparable
--@expected.error: plan
--@expected.message: Comparison with NULL not supported: INTEGER = NULL
CREATE STREAM out AS SELECT * FROM orders WHERE qty = NULL;
