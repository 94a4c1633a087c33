-- What a person gets who writes something wrong: which part, where it stands, what it should have been. Lines count from the line after the
-- name of the test.
CREATE STREAM s (k STRING KEY, a INT, name STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE TABLE t (id STRING PRIMARY KEY, a INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');

--@test: an unknown column
--@expected.error: plan
--@expected.message: Line: 3, Col: 36: SELECT column 'NOPE' cannot be resolved.
CREATE STREAM out AS SELECT k, a + nope AS x FROM s;

--@test: an unknown column of a known source
--@expected.error: plan
--@expected.message: Line: 6, Col: 9: WHERE column 'S.NOPE' cannot be resolved.
CREATE STREAM out AS
  SELECT *
  FROM s
  WHERE s.nope > 1;

--@test: an ambiguous column
--@expected.error: plan
--@expected.message: Column 'A' is ambiguous. Could be S.A or T.A.
CREATE STREAM out AS SELECT k, a FROM s JOIN t ON s.k = t.id;

--@test: the column that was meant
--@expected.error: plan
--@expected.message: Did you mean `NAME`?
CREATE STREAM out AS SELECT k, nam FROM s;

--@test: the source that was meant
--@expected.error: plan
--@expected.message: Did you mean ORDERS?
CREATE STREAM orders (k STRING KEY, a INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT * FROM order_;

--@test: an unknown source
--@expected.error: plan
--@expected.message: NOWHERE does not exist.
CREATE STREAM out AS SELECT * FROM nowhere;

--@test: the case of a quoted source
--@expected.error: plan
--@expected.message: s does not exist.
--@expected.message: Did you mean S? Hint: try removing double quotes from the source name.
CREATE STREAM out AS SELECT * FROM `s`;

--@test: an unknown function
--@expected.error: plan
--@expected.message: Can't find any functions with the name 'FROBNICATE'
CREATE STREAM out AS SELECT k, FROBNICATE(a) AS x FROM s;

--@test: a function of other arguments
--@expected.error: plan
--@expected.message: Function 'ucase' does not accept parameters (INTEGER).
--@expected.message: Valid alternatives are:
CREATE STREAM out AS SELECT k, UCASE(a) AS x FROM s;

--@test: arithmetic on text
--@expected.error: plan
--@expected.message: Unsupported arithmetic types. INTEGER STRING
CREATE STREAM out AS SELECT k, a - name AS x FROM s;

--@test: a cast that there is not
--@expected.error: plan
--@expected.message: Cast of INTEGER to DATE is not supported
CREATE STREAM out AS SELECT k, CAST(a AS DATE) AS x FROM s;

--@test: an unknown type
--@expected.error
--@expected.message: Cannot resolve unknown type: INTEGR
CREATE STREAM out (k STRING KEY, v INTEGR) WITH (KAFKA_TOPIC='out', VALUE_FORMAT='JSON');

--@test: an unknown statement
--@expected.error: syntax
--@expected.message: line 5:1: Syntax Error
--@expected.message: Unknown statement 'CRATE'
--@expected.message: Did you mean 'CREATE'?
CRATE STREAM out AS SELECT * FROM s;

--@test: a token too much
--@expected.error: syntax
--@expected.message: line 3:36: Syntax Error
CREATE STREAM out AS SELECT * FROM WHERE a > 1;

--@test: a reserved word as name
--@expected.error: syntax
--@expected.message: "select" is a reserved keyword and it can't be used as an identifier.
CREATE STREAM select (k STRING KEY, v INT) WITH (KAFKA_TOPIC='out', VALUE_FORMAT='JSON');

--@test: a semicolon is missing
--@expected.error: syntax
--@expected.message: missing ';' at '<EOF>'
CREATE STREAM out AS SELECT * FROM s

--@test: a name twice
--@expected.error: plan
--@expected.message: Cannot add stream 'S': A stream with the same name already exists
CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s2', VALUE_FORMAT='JSON');

--@test: an unknown property
--@expected.error: plan
--@expected.message: Invalid config variable(s) in the WITH clause: COLOUR
CREATE STREAM out (k STRING KEY, v INT) WITH (KAFKA_TOPIC='out', VALUE_FORMAT='JSON', COLOUR='red');

--@test: a topic is needed
--@expected.error: plan
--@expected.message: Missing required property "KAFKA_TOPIC" which has no default value.
CREATE STREAM out (k STRING KEY, v INT) WITH (VALUE_FORMAT='JSON');

--@test: dropping what a query uses
--@expected.error: plan
--@expected.message: Cannot drop S.
CREATE STREAM out AS SELECT * FROM s;
DROP STREAM s;

--@test: dropping what is not there
--@expected.error: plan
--@expected.message: Stream NOWHERE does not exist.
DROP STREAM nowhere;

--@test: IF EXISTS forgives
DROP STREAM IF EXISTS nowhere;

--@test: dropping a table as a stream
--@expected.error: plan
--@expected.message: Incompatible data source type is table, but statement was DROP stream
DROP STREAM t;

--@test: values and columns that do not pair
--@expected.error
--@expected.message: Expected number columns and values to match: 2, 1
INSERT INTO s (k, a) VALUES ('x');

--@test: values for an unknown column
--@expected.error: plan
--@expected.message: Failed to insert values into 'S'. Column name `NOPE` does not exist.
INSERT INTO s (k, nope) VALUES ('x', 1);

--@test: a value of another type
--@expected.error: plan
--@expected.message: Failed to insert values into 'S'.
INSERT INTO s (k, a) VALUES ('x', 'one');

--@test: a schema that does not fit the sink
--@expected.error: plan
--@expected.message: Incompatible schema between results and sink.
CREATE STREAM out AS SELECT k, a FROM s;
INSERT INTO out SELECT k, name FROM s;

--@test: an assertion that fails says what it found
--@expected.error: assert
--@expected.message: Expected record does not match actual
--@expected.message: `A`: expected 2, found 1
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES s (k, a) VALUES ('x', 2);

--@test: an assertion of one record too many
--@expected.error: assert
--@expected.message: Expected another record, but all records have already been read from topic
ASSERT VALUES s (k, a) VALUES ('x', 2);

--@test: more windows than anybody can keep up with
--@expected.error: plan
--@expected.message: Each record would be in 86400000 windows; 100000 at most
CREATE TABLE out AS SELECT k, COUNT(*) FROM s WINDOW HOPPING (SIZE 1 DAY, ADVANCE BY 1 MILLISECOND) GROUP BY k;

--@test: an open string, last in the file: it runs to its end
--@expected.error: syntax
CREATE STREAM out AS SELECT k, 'open AS x FROM s;
