-- Table functions that people write: CREATE FUNCTION ... RETURNS TABLE (...) LANGUAGE LUA.
CREATE STREAM s (k STRING KEY, a INT, t STRING, l ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE FUNCTION words(v STRING) RETURNS TABLE (word STRING) LANGUAGE LUA STRICT AS $$
  local out = {}
  for word in v:gmatch('%w+') do out[#out + 1] = word end
  return out
$$;

--@test: a row for each element, in an expression, beside other columns
CREATE STREAM out AS SELECT k, UCASE(words(t)) AS w, a + 1 AS b FROM s;
INSERT INTO s (k, a, t) VALUES ('a', 1, 'one, two');
INSERT INTO s (k, a, t) VALUES ('b', 2, '');
INSERT INTO s (k, a, t) VALUES ('c', 3, NULL);
INSERT INTO s (k, a, t) VALUES ('d', 4, 'last');
ASSERT VALUES out (k, w, b) VALUES ('a', 'ONE', 2);
ASSERT VALUES out (k, w, b) VALUES ('a', 'TWO', 2);
ASSERT VALUES out (k, w, b) VALUES ('d', 'LAST', 5);

--@test: with a built-in one, the shorter padded
CREATE STREAM out AS SELECT k, words(t) AS w, EXPLODE(l) AS e FROM s;
INSERT INTO s (k, t, l) VALUES ('a', 'one two', ARRAY[1, 2, 3]);
ASSERT VALUES out (k, w, e) VALUES ('a', 'one', 1);
ASSERT VALUES out (k, w, e) VALUES ('a', 'two', 2);
ASSERT VALUES out (k, w, e) VALUES ('a', NULL, 3);

--@test: several columns are a STRUCT
CREATE FUNCTION numbered(v STRING, first INT) RETURNS TABLE (n INT, letter STRING) LANGUAGE LUA AS $$
  local out = {}
  for i = 1, #v do out[i] = v:sub(i, i) == '-' and null or {n = first + i - 1, letter = v:sub(i, i)} end
  return out
$$;
CREATE STREAM out AS SELECT k, numbered(t, 10) AS r FROM s;
CREATE STREAM fields AS SELECT k, numbered(t, 10)->letter AS c, numbered(t, a)->n AS n FROM s;
INSERT INTO s (k, a, t) VALUES ('a', 1, 'x-z');
ASSERT VALUES out (k, r) VALUES ('a', STRUCT(n := 10, letter := 'x'));
ASSERT VALUES out (k, r) VALUES ('a', NULL);
ASSERT VALUES out (k, r) VALUES ('a', STRUCT(n := 12, letter := 'z'));
ASSERT VALUES fields (k, c, n) VALUES ('a', 'x', 1);
ASSERT VALUES fields (k, c, n) VALUES ('a', NULL, NULL);
ASSERT VALUES fields (k, c, n) VALUES ('a', 'z', 3);

--@test: one that fails gives no rows, and the next record is as good as the first
CREATE FUNCTION bad(v INT) RETURNS TABLE (n INT) LANGUAGE LUA AS $$
  if v == 1 then error('no') end
  if v == 2 then while true do end end
  if v == 3 then local t = {} while true do t[#t + 1] = #t end end
  if v == 4 then return 'text' end
  if v == 5 then return {1, 'two'} end
  if v == 6 then return end
  return {v, v}
$$;
CREATE STREAM out AS SELECT k, bad(a) AS n FROM s;
INSERT INTO s (k, a) VALUES ('a', 1);
INSERT INTO s (k, a) VALUES ('a', 2);
INSERT INTO s (k, a) VALUES ('a', 3);
INSERT INTO s (k, a) VALUES ('a', 4);
INSERT INTO s (k, a) VALUES ('a', 5);
INSERT INTO s (k, a) VALUES ('a', 6);
INSERT INTO s (k, a) VALUES ('b', 7);
ASSERT VALUES out (k, n) VALUES ('b', 7);
ASSERT VALUES out (k, n) VALUES ('b', 7);

--@test: OR REPLACE may make another kind of it, for what is made afterwards
CREATE STREAM before AS SELECT k, words(t) AS w FROM s;
CREATE OR REPLACE FUNCTION words(v STRING) RETURNS BIGINT LANGUAGE LUA AS $$ return select(2, v:gsub('%w+', '')) $$;
CREATE STREAM behind AS SELECT k, words(t) AS w FROM s;
INSERT INTO s (k, t) VALUES ('a', 'one two');
ASSERT VALUES before (k, w) VALUES ('a', 'one');
ASSERT VALUES before (k, w) VALUES ('a', 'two');
ASSERT VALUES behind (k, w) VALUES ('a', 2);

--@test: not one in another
--@expected.error: plan
--@expected.message: Table functions cannot be nested
CREATE STREAM out AS SELECT k, words(words(t)) AS w FROM s;

--@test: not in WHERE
--@expected.error: plan
CREATE STREAM out AS SELECT k FROM s WHERE words(t) = 'one';

--@test: one in use is not dropped
--@expected.error: plan
--@expected.message: Cannot drop function WORDS.
CREATE STREAM out AS SELECT k, words(t) AS w FROM s;
DROP FUNCTION words;

--@test: the wrong arguments
--@expected.error: plan
--@expected.message: Function 'WORDS' does not accept parameters (ARRAY<INTEGER>).
CREATE STREAM out AS SELECT k, words(l) AS w FROM s;

--@test: no parameters
--@expected.error: plan
--@expected.message: A table function has one parameter at least
CREATE FUNCTION f() RETURNS TABLE (n INT) LANGUAGE LUA AS $$ return {1} $$;

--@test: an aggregate returns no table
--@expected.error: syntax
CREATE AGGREGATE FUNCTION f(v INT) RETURNS TABLE (n INT) LANGUAGE LUA AS $$ function accumulate(state, v) return v end $$;
