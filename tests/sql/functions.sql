-- Functions that people write: CREATE FUNCTION ... LANGUAGE LUA, DROP FUNCTION. What fails or never ends is stopped, and only its record is concerned.
CREATE STREAM s (k STRING KEY, a INT, b BIGINT, d DOUBLE, t STRING, f BOOLEAN, l ARRAY<INT>, m MAP<STRING, INT>, r STRUCT<x INT, y STRING>, day DATE)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: numbers, and arguments that are widened
CREATE FUNCTION clamp(v BIGINT, lo BIGINT, hi BIGINT) RETURNS BIGINT LANGUAGE LUA DETERMINISTIC STRICT AS $$ return math.max(lo, math.min(hi, v)) $$;
CREATE STREAM out AS SELECT k, clamp(b, 0, 10) AS c, CLAMP(a, -1, 1) AS e FROM s;
INSERT INTO s (k, a, b) VALUES ('a', 7, 9223372036854775807);
INSERT INTO s (k, a, b) VALUES ('b', -7, NULL);
ASSERT VALUES out (k, c, e) VALUES ('a', 10, 1);
ASSERT VALUES out (k, c, e) VALUES ('b', NULL, -1);

--@test: exact 64-bit integers
CREATE FUNCTION nxt(v BIGINT) RETURNS BIGINT LANGUAGE LUA AS $$ return v + 1 $$;
CREATE STREAM out AS SELECT k, nxt(b) AS n FROM s;
INSERT INTO s (k, b) VALUES ('a', 9007199254740993);
ASSERT VALUES out (k, n) VALUES ('a', 9007199254740994);

--@test: NULL is nil unless the function is STRICT
CREATE FUNCTION shown(v STRING) RETURNS STRING LANGUAGE LUA AS $$ return v or 'nothing' $$;
CREATE FUNCTION strictly(v STRING) RETURNS STRING LANGUAGE LUA STRICT AS $$ return v or 'nothing' $$;
CREATE STREAM out AS SELECT k, shown(t) AS n, strictly(t) AS m FROM s;
INSERT INTO s (k, t) VALUES ('a', NULL);
ASSERT VALUES out (k, n, m) VALUES ('a', 'nothing', NULL);

--@test: every kind of value goes in and comes out
CREATE FUNCTION same_d(v DOUBLE) RETURNS DOUBLE LANGUAGE LUA AS $$ return v / 2 $$;
CREATE FUNCTION same_f(v BOOLEAN) RETURNS BOOLEAN LANGUAGE LUA AS $$ return not v $$;
CREATE FUNCTION rev(v ARRAY<INT>) RETURNS ARRAY<INT> LANGUAGE LUA AS $$
  local out = {}
  for i = #v, 1, -1 do out[#out + 1] = v[i] end
  return out
$$;
CREATE FUNCTION twice(v MAP<STRING, INT>) RETURNS MAP<STRING, INT> LANGUAGE LUA AS $$
  local out = {}
  for key, n in pairs(v) do out[key] = n == null and null or n * 2 end
  return out
$$;
CREATE FUNCTION swapped(v STRUCT<x INT, y STRING>) RETURNS STRUCT<x INT, y STRING> LANGUAGE LUA AS $$ return {x = v.x + 1, y = v.y .. '!'} $$;
CREATE FUNCTION tomorrow(v DATE) RETURNS DATE LANGUAGE LUA AS $$ return v + 1 $$;
CREATE STREAM out AS SELECT k, same_d(d) AS d, same_f(f) AS f, rev(l) AS l, twice(m) AS m, swapped(r) AS r, tomorrow(day) AS day FROM s;
INSERT INTO s (k, d, f, l, m, r, day) VALUES ('a', 3.0, true, ARRAY[1, NULL, 3], MAP('p' := 1, 'q' := NULL), STRUCT(x := 1, y := 'z'), '2024-02-28');
ASSERT VALUES out (k, d, f, l, m, r, day) VALUES ('a', 1.5, false, ARRAY[3, NULL, 1], MAP('p' := 2, 'q' := NULL), STRUCT(x := 2, y := 'z!'), '2024-02-29');

--@test: a body may hold quotes, semicolons and comments of SQL
CREATE FUNCTION odd() RETURNS STRING LANGUAGE LUA AS $$ local s = 'its; "so" ${x}'; --[[ /* ' ]] return s $$;
CREATE STREAM out AS SELECT k, odd() AS o FROM s;
INSERT INTO s (k) VALUES ('a');
ASSERT VALUES out (k, o) VALUES ('a', 'its; "so" ${x}');

--@test: what fails is NULL, and the next record is as good as the first
CREATE FUNCTION bad(v INT) RETURNS INT LANGUAGE LUA AS $$
  if v == 1 then error('no') end
  if v == 2 then while true do end end
  if v == 3 then local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end
  if v == 4 then return ('x'):rep(1 << 40) end
  if v == 5 then local function f() return f() + 1 end return f() end
  if v == 6 then return 1 << 40 end
  if v == 7 then return 'text' end
  if v == 8 then error(setmetatable({}, {__tostring = function() while true do end end})) end
  if v == 9 then return setmetatable({}, {__index = function() while true do end end}) end
  if v == 10 then return ('a'):rep(100000):find('.-.-.-.-b') end
  return v
$$;
CREATE STREAM out AS SELECT k, bad(a) AS b FROM s;
INSERT INTO s (k, a) VALUES ('a', 1);
INSERT INTO s (k, a) VALUES ('a', 2);
INSERT INTO s (k, a) VALUES ('a', 3);
INSERT INTO s (k, a) VALUES ('a', 4);
INSERT INTO s (k, a) VALUES ('a', 5);
INSERT INTO s (k, a) VALUES ('a', 6);
INSERT INTO s (k, a) VALUES ('a', 7);
INSERT INTO s (k, a) VALUES ('a', 8);
INSERT INTO s (k, a) VALUES ('a', 9);
INSERT INTO s (k, a) VALUES ('a', 10);
INSERT INTO s (k, a) VALUES ('a', 11);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', NULL);
ASSERT VALUES out (k, b) VALUES ('a', 11);

--@test: OR REPLACE is for what is made afterwards
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v + 1 $$;
CREATE STREAM before AS SELECT k, f(a) AS n FROM s;
CREATE OR REPLACE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v + 2 $$;
CREATE STREAM behind AS SELECT k, f(a) AS n FROM s;
INSERT INTO s (k, a) VALUES ('a', 1);
ASSERT VALUES before (k, n) VALUES ('a', 2);
ASSERT VALUES behind (k, n) VALUES ('a', 3);

--@test: a function that is dropped is unknown
--@expected.error: plan
--@expected.message: Can't find any functions with the name 'F'
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;
DROP FUNCTION f;
DROP FUNCTION IF EXISTS f;
CREATE STREAM out AS SELECT k, f(a) AS n FROM s;

--@test: a function in use is not dropped
--@expected.error: plan
--@expected.message: Cannot drop function F.
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;
CREATE STREAM out AS SELECT k, ABS(f(a)) AS n FROM s;
DROP FUNCTION f;

--@test: it exists already
--@expected.error: plan
--@expected.message: Cannot create function F: it exists already.
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;

--@test: what is built in stays
--@expected.error: plan
--@expected.message: The name ABS is that of a built-in function
CREATE OR REPLACE FUNCTION abs(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;

--@test: a body that does not compile, with Lua's line
--@expected.error: plan
--@expected.message: F:2: unexpected symbol near '+'
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$
  return + $$;

--@test: the wrong arguments
--@expected.error: plan
--@expected.message: Function 'F' does not accept parameters (STRING).
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ return v $$;
CREATE STREAM out AS SELECT k, f(t) AS n FROM s;

--@test: a type without a value in Lua
--@expected.error: plan
--@expected.message: The parameter V is a DECIMAL, for which Lua has no value
CREATE FUNCTION f(v DECIMAL(4, 2)) RETURNS INT LANGUAGE LUA AS $$ return 1 $$;

--@test: another language
--@expected.error: unsupported
--@expected.message: there is no language JAVA
CREATE FUNCTION f(v INT) RETURNS INT LANGUAGE JAVA AS $$ return 1; $$;

--@test: the lambdas of a row are stopped, those of all its columns together
CREATE STREAM out AS SELECT k, REDUCE(GENERATE_SERIES(1, a), 0, (x, y) => x + REDUCE(GENERATE_SERIES(1, 1000), 0, (v, w) => v + 1)) AS one,
  REDUCE(GENERATE_SERIES(1, a), 0, (x, y) => x + REDUCE(GENERATE_SERIES(1, 1000), 0, (v, w) => v + 1)) AS two FROM s;
INSERT INTO s (k, a) VALUES ('a', 6000);
INSERT INTO s (k, a) VALUES ('b', 100);
ASSERT VALUES out (k, one, two) VALUES ('a', 6000000, NULL);
ASSERT VALUES out (k, one, two) VALUES ('b', 100000, 100000);

--@test: GREATEST and LEAST of several kinds of numbers are of the widest that has a form of its own
CREATE STREAM m (k STRING KEY, i INT, n BIGINT, d DECIMAL(5, 2), e DECIMAL(10, 4), f DOUBLE) WITH (KAFKA_TOPIC='m', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, GREATEST(d, e) AS de, LEAST(NULL, d, e) AS le, LEAST(d, 5.125) AS dl, GREATEST(i, f) AS x, LEAST(n, f, i) AS y, LEAST(f, d) AS z,
  LEAST(d, CAST(i AS DECIMAL(5, 2))) AS c FROM m;
ASSERT STREAM out (k STRING KEY, de DECIMAL(10, 4), le DECIMAL(10, 4), dl DECIMAL(6, 3), x DOUBLE, y DOUBLE, z DOUBLE, c DECIMAL(5, 2)) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');
INSERT INTO m (k, i, n, d, e, f) VALUES ('a', 3, 9007199254740993, 3.14, 3.1399, 2.5);
INSERT INTO m (k, i, n, d, e, f) VALUES ('b', -7, 1, 9.99, 9.9900, 0.1);
INSERT INTO m (k, i, n, d, e, f) VALUES ('c', NULL, NULL, NULL, 1.5, NULL);
ASSERT VALUES out (k, de, le, dl, x, y, z, c) VALUES ('a', 3.1400, 3.1399, 3.140, 3.0, 2.5, 2.5, 3.00);
ASSERT VALUES out (k, de, le, dl, x, y, z, c) VALUES ('b', 9.9900, 9.9900, 5.125, 0.1, -7.0, 0.1, -7.00);
ASSERT VALUES out (k, de, le, dl, x, y, z, c) VALUES ('c', 1.5000, 1.5000, 5.125, NULL, NULL, NULL, NULL);

--@test: an INT beside a DECIMAL fits the DOUBLE form as well: the user has to say which
--@expected.error: plan
--@expected.message: Function 'least' cannot be resolved due to ambiguous method parameters (DECIMAL(5, 2), INTEGER).
CREATE STREAM m (k STRING KEY, i INT, d DECIMAL(5, 2)) WITH (KAFKA_TOPIC='m', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, LEAST(d, i) AS x FROM m;

--@test: nor does a literal of another width decide
--@expected.error: plan
--@expected.message: Function 'greatest' cannot be resolved due to ambiguous method parameters (BIGINT, DECIMAL(2, 1), INTEGER).
CREATE STREAM m (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='m', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, GREATEST(n, 5.5, 1) AS x FROM m;
