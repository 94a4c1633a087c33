-- Aggregates that people write: CREATE AGGREGATE FUNCTION ... LANGUAGE LUA. The state is a value of SQL, so restarts, sessions and tables treat it like any other.
CREATE STREAM s (k STRING KEY, a INT, b BIGINT, d DOUBLE, w DOUBLE, t STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE TABLE people (id INT PRIMARY KEY, town STRING, age DOUBLE) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON');
CREATE AGGREGATE FUNCTION mean(v DOUBLE) RETURNS DOUBLE STATE STRUCT<n BIGINT, total DOUBLE> LANGUAGE LUA STRICT AS $$
  function init() return {n = 0, total = 0.0} end
  function accumulate(state, v) return {n = state.n + 1, total = state.total + v} end
  function undo(state, v) return {n = state.n - 1, total = state.total - v} end
  function merge(a, b) return {n = a.n + b.n, total = a.total + b.total} end
  function result(state) if state.n > 0 then return state.total / state.n end end
$$;

--@test: over a stream, beside others, in an expression, NULLs left out
CREATE TABLE out AS SELECT k, mean(d) AS m, COUNT(*) AS n, mean(d) * 10 AS ten, MEAN(w) AS mw FROM s GROUP BY k;
INSERT INTO s (k, d, w) VALUES ('a', 1.0, NULL);
INSERT INTO s (k, d, w) VALUES ('b', 7.0, 2.0);
INSERT INTO s (k, d, w) VALUES ('a', 2.0, 4.0);
INSERT INTO s (k, d, w) VALUES ('a', NULL, NULL);
INSERT INTO s (k, d, w) VALUES ('a', 6.0, 5.0);
ASSERT VALUES out (k, m, n, ten, mw) VALUES ('a', 1.0, 1, 10.0, NULL);
ASSERT VALUES out (k, m, n, ten, mw) VALUES ('b', 7.0, 1, 70.0, 2.0);
ASSERT VALUES out (k, m, n, ten, mw) VALUES ('a', 1.5, 2, 15.0, 4.0);
ASSERT VALUES out (k, m, n, ten, mw) VALUES ('a', 1.5, 3, 15.0, 4.0);
ASSERT VALUES out (k, m, n, ten, mw) VALUES ('a', 3.0, 4, 30.0, 4.5);

--@test: over a table, where rows leave their group
CREATE TABLE out AS SELECT town, mean(age) AS m, COUNT(*) AS n FROM people GROUP BY town;
INSERT INTO people (id, town, age) VALUES (1, 'x', 10.0);
INSERT INTO people (id, town, age) VALUES (2, 'x', 20.0);
INSERT INTO people (id, town, age) VALUES (1, 'x', 40.0);
INSERT INTO people (id, town, age) VALUES (1, 'y', 40.0);
ASSERT VALUES out (town, m, n) VALUES ('x', 10.0, 1);
ASSERT VALUES out (town, m, n) VALUES ('x', 15.0, 2);
ASSERT VALUES out (town, m, n) VALUES ('x', 30.0, 2);
ASSERT VALUES out (town, m, n) VALUES ('x', 20.0, 1);
ASSERT VALUES out (town, m, n) VALUES ('y', 40.0, 1);

--@test: in tumbling windows
CREATE TABLE out AS SELECT k, mean(d) AS m FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;
INSERT INTO s (ROWTIME, k, d) VALUES (1000, 'a', 1.0);
INSERT INTO s (ROWTIME, k, d) VALUES (12000, 'a', 5.0);
INSERT INTO s (ROWTIME, k, d) VALUES (2000, 'a', 3.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 0, 1.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 10000, 5.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 0, 2.0);

--@test: in hopping windows
CREATE TABLE out AS SELECT k, mean(d) AS m FROM s WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY k;
INSERT INTO s (ROWTIME, k, d) VALUES (6000, 'a', 1.0);
INSERT INTO s (ROWTIME, k, d) VALUES (11000, 'a', 5.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 0, 1.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 5000, 1.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 5000, 3.0);
ASSERT VALUES out (k, windowstart, m) VALUES ('a', 10000, 5.0);

--@test: in session windows, which are merged
CREATE TABLE out AS SELECT k, mean(d) AS m, COUNT(*) AS n FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;
INSERT INTO s (ROWTIME, k, d) VALUES (1000, 'a', 1.0);
INSERT INTO s (ROWTIME, k, d) VALUES (9000, 'a', 5.0);
INSERT INTO s (ROWTIME, k, d) VALUES (5000, 'a', 9.0);
ASSERT VALUES out (k, windowstart, windowend, m, n) VALUES ('a', 1000, 1000, 1.0, 1);
ASSERT VALUES out (k, windowstart, windowend, m, n) VALUES ('a', 9000, 9000, 5.0, 1);
ASSERT NULL VALUES out (k) KEY ('a');
ASSERT NULL VALUES out (k) KEY ('a');
ASSERT VALUES out (k, windowstart, windowend, m, n) VALUES ('a', 1000, 9000, 5.0, 3);

--@test: the state is the result where nothing else is said; without init it begins as NULL
CREATE AGGREGATE FUNCTION longest(v STRING) RETURNS STRING LANGUAGE LUA STRICT AS $$
  function accumulate(state, v) if state == nil or #v > #state then return v end return state end
$$;
CREATE TABLE out AS SELECT k, longest(t) AS l FROM s GROUP BY k;
INSERT INTO s (k, t) VALUES ('a', NULL);
INSERT INTO s (k, t) VALUES ('a', 'one');
INSERT INTO s (k, t) VALUES ('a', 'eleven');
INSERT INTO s (k, t) VALUES ('a', 'two');
ASSERT VALUES out (k, l) VALUES ('a', NULL);
ASSERT VALUES out (k, l) VALUES ('a', 'one');
ASSERT VALUES out (k, l) VALUES ('a', 'eleven');
ASSERT VALUES out (k, l) VALUES ('a', 'eleven');

--@test: maps and arrays are states, and grow
CREATE AGGREGATE FUNCTION tally(v STRING, times INT) RETURNS STRING STATE MAP<STRING, BIGINT> LANGUAGE LUA AS $$
  function init() return {} end
  function accumulate(state, v, times) state[v] = (state[v] or 0) + times return state end
  function result(state)
    local names, text = {}, ''
    for name in pairs(state) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do text = text .. name .. state[name] end
    return text
  end
$$;
CREATE AGGREGATE FUNCTION last_two(v INT) RETURNS ARRAY<INT> LANGUAGE LUA AS $$
  function accumulate(state, v)
    if state == nil then return {v or null} end
    return {state[#state], v or null}
  end
$$;
CREATE TABLE out AS SELECT k, tally(t, 2) AS x, last_two(a) AS l FROM s GROUP BY k;
INSERT INTO s (k, t, a) VALUES ('a', 'x', 1);
INSERT INTO s (k, t, a) VALUES ('a', 'y', NULL);
INSERT INTO s (k, t, a) VALUES ('a', 'x', 3);
ASSERT VALUES out (k, x, l) VALUES ('a', 'x2', ARRAY[1]);
ASSERT VALUES out (k, x, l) VALUES ('a', 'x2y2', ARRAY[1, NULL]);
ASSERT VALUES out (k, x, l) VALUES ('a', 'x4y2', ARRAY[NULL, 3]);

--@test: a record that fails is left out of this aggregate, and the next is as good as the first
CREATE AGGREGATE FUNCTION touchy(v INT) RETURNS BIGINT LANGUAGE LUA AS $$
  function init() return 0 end
  function accumulate(state, v)
    if v == 1 then error('no') end
    if v == 2 then while true do end end
    if v == 3 then local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end
    if v == 4 then return 'text' end
    if v == 5 then return end
    if v == 6 then return 1.5 end
    return state + v
  end
$$;
CREATE TABLE out AS SELECT k, touchy(a) AS x, COUNT(*) AS n FROM s GROUP BY k;
INSERT INTO s (k, a) VALUES ('a', 10);
INSERT INTO s (k, a) VALUES ('a', 1);
INSERT INTO s (k, a) VALUES ('a', 2);
INSERT INTO s (k, a) VALUES ('a', 3);
INSERT INTO s (k, a) VALUES ('a', 4);
INSERT INTO s (k, a) VALUES ('a', 5);
INSERT INTO s (k, a) VALUES ('a', 6);
INSERT INTO s (k, a) VALUES ('a', 20);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 1);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 2);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 3);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 4);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 5);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 6);
ASSERT VALUES out (k, x, n) VALUES ('a', 10, 7);
ASSERT VALUES out (k, x, n) VALUES ('a', 30, 8);

--@test: a result that fails is NULL, and the state goes on
CREATE AGGREGATE FUNCTION shy(v INT) RETURNS INT LANGUAGE LUA AS $$
  function init() return 0 end
  function accumulate(state, v) return state + v end
  function result(state) if state == 2 then while true do end end return state end
$$;
CREATE TABLE out AS SELECT k, shy(a) AS x FROM s GROUP BY k HAVING shy(a) IS NULL OR shy(a) < 10;
INSERT INTO s (k, a) VALUES ('a', 1);
INSERT INTO s (k, a) VALUES ('a', 1);
INSERT INTO s (k, a) VALUES ('a', 1);
ASSERT VALUES out (k, x) VALUES ('a', 1);
ASSERT VALUES out (k, x) VALUES ('a', NULL);
ASSERT VALUES out (k, x) VALUES ('a', 3);

--@test: OR REPLACE is for what is made afterwards
CREATE TABLE before AS SELECT k, mean(d) AS m FROM s GROUP BY k;
CREATE OR REPLACE AGGREGATE FUNCTION mean(v DOUBLE) RETURNS DOUBLE LANGUAGE LUA AS $$ function accumulate(state, v) return v * 100 end $$;
CREATE TABLE behind AS SELECT k, mean(d) AS m FROM s GROUP BY k;
INSERT INTO s (k, d) VALUES ('a', 2.0);
INSERT INTO s (k, d) VALUES ('a', 4.0);
ASSERT VALUES before (k, m) VALUES ('a', 2.0);
ASSERT VALUES before (k, m) VALUES ('a', 3.0);
ASSERT VALUES behind (k, m) VALUES ('a', 200.0);
ASSERT VALUES behind (k, m) VALUES ('a', 400.0);

--@test: a query that is replaced goes on from its state, with the function that there is now
CREATE AGGREGATE FUNCTION add(v BIGINT) RETURNS BIGINT LANGUAGE LUA AS $$ function init() return 0 end function accumulate(state, v) return state + v end $$;
CREATE TABLE out AS SELECT k, add(b) AS x FROM s GROUP BY k;
INSERT INTO s (k, b) VALUES ('a', 1);
CREATE OR REPLACE AGGREGATE FUNCTION add(v BIGINT) RETURNS BIGINT LANGUAGE LUA AS $$ function init() return 0 end function accumulate(state, v) return state + 10 * v end $$;
CREATE OR REPLACE TABLE out AS SELECT k, add(b) AS x FROM s WHERE b > 0 GROUP BY k;
INSERT INTO s (k, b) VALUES ('a', 1);
ASSERT VALUES out (k, x) VALUES ('a', 1);
ASSERT VALUES out (k, x) VALUES ('a', 11);

--@test: not from a state of another type
--@expected.error: plan
--@expected.message: types of the aggregates' states
CREATE AGGREGATE FUNCTION add(v BIGINT) RETURNS BIGINT LANGUAGE LUA AS $$ function accumulate(state, v) return v end $$;
CREATE TABLE out AS SELECT k, add(b) AS x FROM s GROUP BY k;
CREATE OR REPLACE AGGREGATE FUNCTION add(v BIGINT) RETURNS BIGINT STATE STRING LANGUAGE LUA AS $$ function accumulate(state, v) return 'x' end function result(state) return 1 end $$;
CREATE OR REPLACE TABLE out AS SELECT k, add(b) AS x FROM s WHERE b > 0 GROUP BY k;

--@test: without undo, no table
--@expected.error: plan
--@expected.message: The aggregation function FIRST_ONE cannot be applied to a table source, only to a stream source.
CREATE AGGREGATE FUNCTION first_one(v DOUBLE) RETURNS DOUBLE LANGUAGE LUA AS $$ function accumulate(state, v) return state or v end $$;
CREATE TABLE out AS SELECT town, first_one(age) AS m FROM people GROUP BY town;

--@test: without merge, no sessions
--@expected.error: plan
--@expected.message: The aggregation function FIRST_ONE cannot be applied in session windows: it says no way to merge two sessions.
CREATE AGGREGATE FUNCTION first_one(v DOUBLE) RETURNS DOUBLE LANGUAGE LUA AS $$ function accumulate(state, v) return state or v end $$;
CREATE TABLE out AS SELECT k, first_one(d) AS m FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;

--@test: as everywhere, arguments of aggregates are not converted
--@expected.error: plan
--@expected.message: Function 'MEAN' does not accept parameters (INTEGER).
CREATE TABLE out AS SELECT k, mean(a) AS m FROM s GROUP BY k;

--@test: it has no value for a single row
--@expected.error: plan
--@expected.message: aggregate
CREATE STREAM out AS SELECT k, mean(d) AS m FROM s;

--@test: one in use is not dropped
--@expected.error: plan
--@expected.message: Cannot drop function MEAN.
CREATE TABLE out AS SELECT k, mean(d) AS m FROM s GROUP BY k;
DROP FUNCTION mean;

--@test: a body without accumulate
--@expected.error: plan
--@expected.message: Function F: its body defines no function accumulate(state, ...), or defines it as local
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ local function accumulate(state, v) return v end $$;

--@test: a part that is no function
--@expected.error: plan
--@expected.message: Function F: undo is a number, not a function
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$ undo = 1 function accumulate(state, v) return v end $$;

--@test: a state that is no result
--@expected.error: plan
--@expected.message: Function F: its state is no result: a function result(state) is needed
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT STATE BIGINT LANGUAGE LUA AS $$ function accumulate(state, v) return v end $$;

--@test: an init of another type
--@expected.error: plan
--@expected.message: Failed to invoke function F: init: the result is to be a BIGINT and is a string
CREATE AGGREGATE FUNCTION f(v INT) RETURNS BIGINT LANGUAGE LUA AS $$ function init() return 'none' end function accumulate(state, v) return v end $$;

--@test: an init that never ends
--@expected.error: plan
--@expected.message: Failed to invoke function F: init: it was stopped after 1000000 instructions
CREATE AGGREGATE FUNCTION f(v INT) RETURNS BIGINT LANGUAGE LUA AS $$ function init() while true do end end function accumulate(state, v) return v end $$;

--@test: a body that never ends
--@expected.error: plan
--@expected.message: Function F has a body that cannot be run: it was stopped after 1000000 instructions
CREATE AGGREGATE FUNCTION f(v INT) RETURNS BIGINT LANGUAGE LUA AS $$ while true do end $$;

--@test: a body that does not compile, with Lua's line
--@expected.error: plan
--@expected.message: Function F does not compile: F:2: unexpected symbol near '+'
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA AS $$
  return + $$;

--@test: a state without a value in Lua
--@expected.error: plan
--@expected.message: The state is a DECIMAL, for which Lua has no value
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT STATE DECIMAL(4, 2) LANGUAGE LUA AS $$ function accumulate(state, v) return v end $$;

--@test: no parameters
--@expected.error: plan
--@expected.message: An aggregate function has one parameter at least
CREATE AGGREGATE FUNCTION f() RETURNS INT LANGUAGE LUA AS $$ function accumulate(state) return 1 end $$;

--@test: a promise that means nothing here
--@expected.error: syntax
--@expected.message: DETERMINISTIC is for functions of one row
CREATE AGGREGATE FUNCTION f(v INT) RETURNS INT LANGUAGE LUA DETERMINISTIC AS $$ function accumulate(state) return 1 end $$;
