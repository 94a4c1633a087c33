-- Queries that are refused, and which of several things wrong with them is told first. Lines count from the line after the name of the test.
CREATE STREAM s (k STRING KEY, a INT, b INT, t STRING, l ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE STREAM w (k STRING KEY, a INT) WITH (KAFKA_TOPIC='w', VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION');

--@test: a bare NULL has no type
--@expected.error: plan
--@expected.message: Can't infer a type of null. Please explicitly cast it to a required type, e.g. CAST(null AS VARCHAR).
CREATE STREAM out AS SELECT k, NULL AS x FROM s;

--@test: a bare NULL beside an aggregate
--@expected.error: plan
--@expected.message: Can't infer a type of null.
CREATE TABLE out AS SELECT k, NULL AS x, COUNT(*) AS n FROM s GROUP BY k;

--@test: a lambda parameter may not be called like a column
--@expected.error: plan
--@expected.message: Lambda function argument can't be a column name: A
CREATE STREAM out AS SELECT k, TRANSFORM(l, a => a + 1) AS x FROM s;

--@test: nor like a column of the other source of a join
--@expected.error: plan
--@expected.message: Lambda function argument can't be a column name: V
CREATE TABLE t (id STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, TRANSFORM(l, v => v + 1) AS x FROM s JOIN t ON k = id;

--@test: a table function filters nothing
--@expected.error: plan
--@expected.message: Table functions can only be used in the SELECT of a query on a stream: EXPLODE(L)
CREATE STREAM out AS SELECT k, a FROM s WHERE EXPLODE(l) = 1;

--@test: an aggregate filters no rows
--@expected.error: plan
--@expected.message: Error in WHERE expression: Aggregate functions can only be used in SELECT and HAVING, and not in pull queries: COUNT(*)
CREATE STREAM out AS SELECT k, a FROM s WHERE COUNT(*) > 1;

--@test: an aggregate is no key
--@expected.error: plan
--@expected.message: Aggregate functions can only be used in SELECT and HAVING, and not in pull queries: MAX(A)
CREATE STREAM out AS SELECT k, a FROM s PARTITION BY MAX(a);

--@test: an alias that repeats the reserved name is no alias
--@expected.error: plan
--@expected.message: Reserved column name in select: `ROWTIME`. Please remove or alias the column.
CREATE STREAM out AS SELECT k, s.rowtime AS rowtime, a FROM s;

--@test: window bounds alike
--@expected.error: plan
--@expected.message: Reserved column name in select: `WINDOWSTART`. Please remove or alias the column.
CREATE STREAM out AS SELECT k, windowstart AS windowstart, a FROM w;

--@test: another column may not be given a reserved name
--@expected.error: plan
--@expected.message: `ROWTIME` is a reserved column name. You cannot use it as an alias for a column.
CREATE STREAM out AS SELECT k, a AS rowtime FROM s;

--@test: PARTITION BY asks for all its keys
--@expected.error: plan
--@expected.message: must include the partitioning expressions S.A and S.B in its projection (eg, SELECT S.A, S.B...).
CREATE STREAM out WITH (KEY_FORMAT='JSON') AS SELECT a, t FROM s PARTITION BY a, b;

--@test: GROUP BY asks for those that are missing
--@expected.error: plan
--@expected.message: must include the grouping expression B in its projection (eg, SELECT B...).
CREATE TABLE out WITH (KEY_FORMAT='JSON') AS SELECT a, COUNT(*) AS n FROM s GROUP BY a, b;

--@test: each name of a key that stands twice
--@expected.error: plan
--@expected.message: The projection contains a key column (`A`) more than once, aliased as: A and A2.
CREATE STREAM out AS SELECT a, a AS a2, t FROM s PARTITION BY a;

--@test: an unknown function is told before what it would have to be
--@expected.error: plan
--@expected.message: Can't find any functions with the name 'COUN'
--@expected.message: Did you mean COUNT?
CREATE TABLE out AS SELECT k, COUN(a) AS n FROM s GROUP BY k;

--@test: an unknown function, where it stands
--@expected.error: plan
--@expected.message: Can't find any functions with the name 'UCAS'
--@expected.message: Did you mean UCASE?
CREATE STREAM out AS SELECT k, UCAS(t) AS x FROM s;

--@test: a column outside of aggregates, before the missing GROUP BY
--@expected.error: plan
--@expected.message: Non-aggregate SELECT expression(s) not part of GROUP BY: T
CREATE TABLE out AS SELECT t, COUNT(*) AS n FROM s;

--@test: and before the WINDOW that needs one
--@expected.error: plan
--@expected.message: Non-aggregate SELECT expression(s) not part of GROUP BY: T
CREATE TABLE out AS SELECT t, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 SECOND);

--@test: and before the types of arguments
--@expected.error: plan
--@expected.message: Non-aggregate SELECT expression(s) not part of GROUP BY: A
CREATE TABLE out AS SELECT k, a, SUM(t) AS n FROM s GROUP BY k;

--@test: a WINDOW without aggregates
--@expected.error: plan
--@expected.message: Line: 3, Col: 41: WINDOW clause requires a GROUP BY clause.
CREATE STREAM out AS SELECT k, a FROM s WINDOW TUMBLING (SIZE 1 SECOND);

--@test: a key's name is a name like others
--@expected.error: plan
--@expected.message: Duplicate value columns found in schema: `N` BIGINT
CREATE TABLE out AS SELECT t AS n, COUNT(*) AS n FROM s GROUP BY t;

--@test: the timestamp column is looked for first
--@expected.error: plan
--@expected.message: The TIMESTAMP column set in the WITH clause does not exist in the schema: 'NOWHEN'
CREATE STREAM out WITH (TIMESTAMP='nowhen') AS SELECT a FROM s;

--@test: an alias of SELECT is not seen in HAVING
--@expected.error: plan
--@expected.message: HAVING column 'N' cannot be resolved.
--@expected.message: `N` is an alias in SELECT, which HAVING does not see. Use COUNT(*) instead.
CREATE TABLE out AS SELECT k, COUNT(*) AS n FROM s GROUP BY k HAVING n > 1;

--@test: one letter is no hint for another
--@expected.error: plan
--@expected.message: Line: 3, Col: 32: SELECT column 'Z' cannot be resolved.
CREATE STREAM out AS SELECT k, z FROM s;

--@test: EXPLODE names both its forms
--@expected.error: plan
--@expected.message: explode(ARRAY<DECIMAL> input)
CREATE STREAM out AS SELECT k, EXPLODE(a) AS x FROM s;

--@test: the type that was meant
--@expected.error: plan
--@expected.message: Cannot resolve unknown type: INTT
--@expected.message: Did you mean INT?
CREATE STREAM x (a INTT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON');

--@test: an ARRAY of what?
--@expected.error: plan
--@expected.message: It takes the types of its parts: ARRAY<...>
CREATE STREAM out AS SELECT k, CAST(l AS ARRAY) AS x FROM s;

--@test: the property that was meant
--@expected.error: plan
--@expected.message: Invalid config variable(s) in the WITH clause: VALUE_FORMT
--@expected.message: Did you mean VALUE_FORMAT?
CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='x', VALUE_FORMT='JSON');

--@test: the format that was meant
--@expected.error: plan
--@expected.message: Unknown format: JSN
--@expected.message: Did you mean JSON?
CREATE STREAM x (a INT) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSN');

--@test: a column listed twice by INSERT
--@expected.error: plan
--@expected.message: Failed to insert values into 'S'. Duplicate column names: `A`
INSERT INTO s (k, a, a) VALUES ('x', 1, 2);

--@test: two letters swapped
--@expected.error: syntax
--@expected.message: Expecting {',', 'FROM'}
--@expected.message: Did you mean 'FROM'?
CREATE STREAM out AS SELECT * FORM s;

--@test: the keyword that was meant
--@expected.error: syntax
--@expected.message: line 4:8: Syntax Error
--@expected.message: Did you mean 'STREAM'?
CREATE STREM x (a INT) WITH (KAFKA_TOPIC='x');

--@test: a mistyped clause is taken for an alias
--@expected.error: syntax
--@expected.message: Did you mean 'WHERE' for 'WERE' at line 3:38?
CREATE STREAM out AS SELECT * FROM s WERE a = 1;

--@test: the name of a function, letters swapped
--@expected.error: plan
--@expected.message: Did you mean COUNT?
CREATE TABLE out AS SELECT k, CONUT(a) AS n FROM s GROUP BY k;

--@test: a schema that the sink cannot have names the statement
--@expected.error: plan
--@expected.message: reason: The 'KAFKA' format only supports a single field. Got: [`A2` INTEGER KEY, `B` INTEGER KEY]
--@expected.message: Statement: CREATE TABLE OUT AS SELECT
--@expected.message:   S.A A2,
--@expected.message:   COUNT(*) KSQL_COL_0
--@expected.message: WHERE (S.A > 1)
--@expected.message: GROUP BY S.A, S.B
--@expected.message: EMIT CHANGES
CREATE TABLE out AS SELECT a AS a2, b, COUNT(*) FROM s WHERE a > 1 GROUP BY a, b;

--@test: the source that was meant, wherever one is named
--@expected.error: plan
--@expected.message: Stream ORDER_ does not exist.
--@expected.message: Did you mean ORDERS?
CREATE STREAM orders (k STRING KEY, a INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
DROP STREAM order_;

--@test: the target that was meant
--@expected.error: plan
--@expected.message: Cannot insert values into an unknown stream/table: `ORDER_`
--@expected.message: Did you mean ORDERS?
CREATE STREAM orders (k STRING KEY, a INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
INSERT INTO order_ VALUES ('x', 1);

--@test: the column of INSERT that was meant
--@expected.error: plan
--@expected.message: Failed to insert values into 'ORDERS'. Column name `AMUONT` does not exist.
--@expected.message: Did you mean AMOUNT?
CREATE STREAM orders (k STRING KEY, amount INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
INSERT INTO orders (k, amuont) VALUES ('x', 1);

--@test: the field that was meant
--@expected.error: plan
--@expected.message: Could not find field 'TWON' in 'R'.
--@expected.message: Did you mean TOWN?
CREATE STREAM o (k STRING KEY, r STRUCT<town STRING>) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, r->twon FROM o;
