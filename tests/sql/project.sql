-- What a SELECT list makes of columns: expressions, names, aliases, *, the key.
CREATE STREAM s (k STRING KEY, a INT, b BIGINT, name STRING, person STRUCT<first STRING, age INT>, tags ARRAY<STRING>, m MAP<STRING, INT>)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: expressions and aliases
CREATE STREAM out AS SELECT k, a + b AS total, a * 2 twice, UCASE(name) AS "Loud", -a AS minus FROM s;
INSERT INTO s (k, a, b, name) VALUES ('x', 3, 4000000000, 'ann');
ASSERT VALUES out (k, total, twice, `Loud`, minus) VALUES ('x', 4000000003, 6, 'ANN', -3);
ASSERT STREAM out (k STRING KEY, total BIGINT, twice INT, `Loud` STRING, minus INT) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: expressions without alias get numbered names
CREATE STREAM out AS SELECT k, a + 1, b + 1, LEN(name) FROM s;
INSERT INTO s (k, a, b, name) VALUES ('x', 1, 2, 'four');
ASSERT VALUES out (k, KSQL_COL_0, KSQL_COL_1, KSQL_COL_2) VALUES ('x', 2, 3, 4);

--@test: * takes all columns, and may stand beside others
CREATE STREAM two (id INT KEY, v INT) WITH (KAFKA_TOPIC='two', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT *, v + 1 AS w FROM two;
INSERT INTO two (id, v) VALUES (1, 5);
ASSERT VALUES out (id, v, w) VALUES (1, 5, 6);

--@test: fields, elements and entries
CREATE STREAM out AS SELECT k, person->first, person->age AS old, tags[1] AS head, tags[-1] AS tail, tags[9] AS missing, m['one'] AS one FROM s;
INSERT INTO s (k, person, tags, m) VALUES ('x', STRUCT(first := 'Ann', age := 41), ARRAY['p', 'q', 'r'], MAP('one' := 1));
ASSERT VALUES out (k, first, old, head, tail, missing, one) VALUES ('x', 'Ann', 41, 'p', 'r', NULL, 1);

--@test: constructors
CREATE STREAM out AS SELECT k, STRUCT(n := a, t := name) AS st, ARRAY[a, a + 1] AS ar, MAP('a' := a) AS mp FROM s;
INSERT INTO s (k, a, name) VALUES ('x', 7, 'seven');
ASSERT VALUES out (k, st, ar, mp) VALUES ('x', STRUCT(n := 7, t := 'seven'), ARRAY[7, 8], MAP('a' := 7));

--@test: CASE with and without ELSE
CREATE STREAM out AS SELECT k, CASE WHEN a < 10 THEN 'small' WHEN a < 100 THEN 'middle' ELSE 'big' END AS extent,
    CASE WHEN a = 1 THEN 'one' WHEN a = 50 THEN 'fifty' END AS word FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('y', 50);
INSERT INTO s (k, a) VALUES ('z', 500);
ASSERT VALUES out (k, extent, word) VALUES ('x', 'small', 'one');
ASSERT VALUES out (k, extent, word) VALUES ('y', 'middle', 'fifty');
ASSERT VALUES out (k, extent, word) VALUES ('z', 'big', NULL);

--@test: the key column may be renamed, and its copy is a value
CREATE STREAM out AS SELECT k AS ident, AS_VALUE(k) AS copy, a FROM s;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES out (ident, copy, a) VALUES ('x', 'x', 1);
ASSERT STREAM out (ident STRING KEY, copy STRING, a INT) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: ROWTIME as a value
CREATE STREAM out AS SELECT k, ROWTIME AS ts FROM s;
INSERT INTO s (k, a, ROWTIME) VALUES ('x', 1, 1234);
ASSERT VALUES out (k, ts, ROWTIME) VALUES ('x', 1234, 1234);

--@test: an alias qualifies the source
CREATE STREAM out AS SELECT t.k, t.a FROM s t WHERE t.a > 1;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('y', 2);
ASSERT VALUES out (k, a) VALUES ('y', 2);

--@test: case of names: bare ones fold, quoted ones do not
CREATE STREAM `mixed` (`Id` INT KEY, `some Value` INT) WITH (KAFKA_TOPIC='mixed', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT `Id`, `some Value` AS plain FROM `mixed`;
INSERT INTO `mixed` (`Id`, `some Value`) VALUES (1, 2);
ASSERT VALUES out (`Id`, PLAIN) VALUES (1, 2);

--@test: two queries over one stream, and a query over a query
CREATE STREAM one AS SELECT k, a FROM s;
CREATE STREAM two AS SELECT k, a + 1 AS a FROM one;
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES one (k, a) VALUES ('x', 1);
ASSERT VALUES two (k, a) VALUES ('x', 2);

--@test: INSERT INTO a stream that a query made
CREATE STREAM all_of AS SELECT k, a FROM s WHERE a < 10;
CREATE STREAM other (k STRING KEY, a INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON');
INSERT INTO all_of SELECT k, a FROM other;
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO other (k, a) VALUES ('y', 20);
ASSERT VALUES all_of (k, a) VALUES ('x', 1);
ASSERT VALUES all_of (k, a) VALUES ('y', 20);

--@test: the key must be in the projection
--@expected.error: plan
--@expected.message: Key missing from projection (ie, SELECT).
CREATE STREAM out AS SELECT a FROM s;

--@test: a key alone is no stream
--@expected.error: plan
--@expected.message: The projection contains no value columns.
CREATE STREAM out AS SELECT k FROM s;

--@test: a value column twice
--@expected.error: plan
--@expected.message: Duplicate value columns found in schema: `A` BIGINT
CREATE STREAM out AS SELECT k, a, b AS a FROM s;

--@test: a key twice
--@expected.error: plan
--@expected.message: The projection contains a key column (`K`) more than once
CREATE STREAM out AS SELECT k, k AS k2, a FROM s;

--@test: INSERT INTO widens decimals, and makes them of numbers that were written
CREATE STREAM w (k STRING KEY, d DECIMAL(10,4), e DECIMAL(6,2)) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON');
CREATE STREAM n (k STRING KEY, d DECIMAL(5,2)) WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON');
INSERT INTO w SELECT k, d, 7 AS e FROM n WHERE d > 1;
INSERT INTO w SELECT k, -2.5 AS d, 1.5E1 AS e FROM n WHERE d < 1;
INSERT INTO n (k, d) VALUES ('x', 4.25);
INSERT INTO n (k, d) VALUES ('y', 0.5);
ASSERT VALUES w (k, d, e) VALUES ('x', 4.2500, 7.00);
ASSERT VALUES w (k, d, e) VALUES ('y', -2.5000, 15.00);

--@test: but not of columns that are no decimals
--@expected.error: plan
--@expected.message: Incompatible schema between results and sink.
CREATE STREAM w (k STRING KEY, d DECIMAL(10,4)) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON');
CREATE STREAM n (k STRING KEY, a INT) WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON');
INSERT INTO w SELECT k, a AS d FROM n;

--@test: now is one day of our time
CREATE STREAM clocked (k STRING KEY, a INT) WITH (KAFKA_TOPIC='clocked', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, UNIX_TIMESTAMP() AS ms, UNIX_DATE() AS d FROM clocked;
INSERT INTO clocked (k, a) VALUES ('x', 1);
ASSERT VALUES out (k, ms, d) VALUES ('x', 1700000000000, 19675);
