-- Small programs of the kinds that people bring: change data capture, devices, fraud, sessions, rankings, logs, baskets, funnels; every
-- clause of the dialect beside the others that it is used with.

--@test: change envelopes to rows and to the current state
CREATE STREAM cdc (payload STRUCT<before STRUCT<id INT, name VARCHAR>, after STRUCT<id INT, name VARCHAR>, op VARCHAR, ts_ms BIGINT>) WITH (kafka_topic='cdc', value_format='json', partitions=1);
CREATE STREAM flat AS SELECT payload->after->id AS id, payload->after->name AS name, payload->op AS op, TIMESTAMPTOSTRING(payload->ts_ms, 'yyyy-MM-dd HH:mm:ss', 'UTC') AS ts FROM cdc WHERE payload->op IN ('c','u','r') EMIT CHANGES;
CREATE STREAM keyed AS SELECT * FROM flat PARTITION BY id EMIT CHANGES;
CREATE TABLE cur AS SELECT id, LATEST_BY_OFFSET(name) AS name, COUNT(*) AS versions FROM flat GROUP BY id EMIT CHANGES;
INSERT INTO cdc (payload) VALUES (STRUCT(before := CAST(NULL AS STRUCT<id INT, name VARCHAR>), after := STRUCT(id := 1, name := 'a'), op := 'c', ts_ms := 1700000000000));
ASSERT VALUES flat (id, name, op, ts) VALUES (1, 'a', 'c', '2023-11-14 22:13:20');
ASSERT VALUES keyed (id, name) VALUES (1, 'a');
ASSERT VALUES cur (id, name, versions) VALUES (1, 'a', 1);

--@test: averages of devices, of windows with enough readings
CREATE STREAM readings (sensor VARCHAR KEY, temp DOUBLE, hum DOUBLE, loc STRUCT<lat DOUBLE, lon DOUBLE>, ts VARCHAR) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=3, TIMESTAMP='ts', TIMESTAMP_FORMAT='yyyy-MM-dd''T''HH:mm:ssX');
CREATE TABLE avg_t AS SELECT sensor, WINDOWSTART AS ws, AVG(temp) AS a, MAX(temp) - MIN(temp) AS spread, COUNT(*) AS n FROM readings WINDOW TUMBLING (SIZE 5 MINUTES, GRACE PERIOD 1 MINUTE) GROUP BY sensor HAVING COUNT(*) > 1 EMIT CHANGES;
INSERT INTO readings (sensor, temp, hum, ts) VALUES ('s1', 10, 1, '2023-11-14T22:00:10Z');
INSERT INTO readings (sensor, temp, hum, ts) VALUES ('s1', 20, 1, '2023-11-14T22:01:10Z');
ASSERT VALUES avg_t (sensor, a, spread, n) VALUES ('s1', 15.0, 10.0, 2);

--@test: one card in two places within ten minutes
CREATE STREAM uses (card VARCHAR, machine VARCHAR, place STRUCT<lon DOUBLE, lat DOUBLE>, use_id VARCHAR) WITH (KAFKA_TOPIC='uses', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM uses_again WITH (PARTITIONS=1) AS SELECT * FROM uses;
CREATE STREAM suspects AS SELECT x.card AS card, x.use_id AS first_use, y.use_id AS second_use, GEO_DISTANCE(x.place->lat, x.place->lon, y.place->lat, y.place->lon, 'KM') AS km, (y.rowtime - x.rowtime) AS ms, (y.rowtime - x.rowtime) / 1000 / 60 AS `minutes` FROM uses x INNER JOIN uses_again y WITHIN (0 MINUTES, 10 MINUTES) GRACE PERIOD 1 MINUTE ON x.card = y.card WHERE x.use_id != y.use_id AND (x.place->lat != y.place->lat OR x.place->lon != y.place->lon) AND y.rowtime != x.rowtime EMIT CHANGES;
INSERT INTO uses (ROWTIME, card, machine, place, use_id) VALUES (0, 'c1', 'x', STRUCT(lon := 1.0, lat := 1.0), 't1');
INSERT INTO uses (ROWTIME, card, machine, place, use_id) VALUES (60000, 'c1', 'y', STRUCT(lon := 2.0, lat := 1.0), 't2');
ASSERT VALUES suspects (card, first_use, second_use, ms, `minutes`) VALUES ('c1', 't1', 't2', 60000, 1);

--@test: sessions with start end and length
CREATE STREAM clicks (ip VARCHAR, url VARCHAR, ts BIGINT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='ts');
CREATE TABLE sess AS SELECT ip, COUNT(*) AS n, COUNT_DISTINCT(url) AS u, TIMESTAMPTOSTRING(WINDOWSTART, 'HH:mm:ss', 'UTC') AS ws, (WINDOWEND - WINDOWSTART) / 1000 AS len FROM clicks WINDOW SESSION (5 MINUTES) GROUP BY ip EMIT CHANGES;
INSERT INTO clicks VALUES ('1.1.1.1', '/a', 1000);
INSERT INTO clicks VALUES ('1.1.1.1', '/b', 61000);
ASSERT VALUES sess (ip, n, u, ws, len) VALUES ('1.1.1.1', 1, 1, '00:00:01', 0);
ASSERT NULL VALUES sess (ip) KEY ('1.1.1.1');
ASSERT VALUES sess (ip, n, u, ws, len) VALUES ('1.1.1.1', 2, 2, '00:00:01', 60);

--@test: the greatest per window, with what belongs to them
CREATE STREAM sales (region VARCHAR, product VARCHAR, amount DOUBLE) WITH (KAFKA_TOPIC='sales', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE top AS SELECT region, TOPK(amount, 2) AS t, TOPKDISTINCT(product, 2) AS p, TOPK(amount, product, 2) AS tp FROM sales WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY region EMIT CHANGES;
INSERT INTO sales VALUES ('eu', 'x', 5); INSERT INTO sales VALUES ('eu', 'y', 9);
ASSERT VALUES top (region, t, p) VALUES ('eu', ARRAY[5.0], ARRAY['x']);
ASSERT VALUES top (region, t, p, tp) VALUES ('eu', ARRAY[9.0, 5.0], ARRAY['y','x'], ARRAY[STRUCT(`sort_col` := 9.0, `col0` := 'y'), STRUCT(`sort_col` := 5.0, `col0` := 'x')]);

--@test: lambdas nested: transform map filter reduce
CREATE STREAM s (k INT KEY, m MAP<VARCHAR, ARRAY<DECIMAL(4,2)>>, a ARRAY<STRUCT<n VARCHAR, q INT>>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, TRANSFORM(m, (x, y) => UCASE(x), (x, y) => TRANSFORM(y, z => z * 2)) AS t, REDUCE(TRANSFORM(a, x => x->q), 0, (s1, x) => s1 + x) AS total, FILTER(a, x => x->q > 1 AND x->n LIKE 'a%') AS f FROM s;
INSERT INTO s VALUES (1, MAP('k' := ARRAY[1.50]), ARRAY[STRUCT(n := 'ab', q := 2), STRUCT(n := 'b', q := 3)]);
ASSERT VALUES o (k, total, f) VALUES (1, 5, ARRAY[STRUCT(n := 'ab', q := 2)]);

--@test: explode over array of structs, then dereference
CREATE STREAM orders (id INT KEY, items ARRAY<STRUCT<sku VARCHAR, qty INT, price DOUBLE>>) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM lines AS SELECT id, EXPLODE(items)->sku AS sku, EXPLODE(items)->qty * EXPLODE(items)->price AS total FROM orders;
CREATE TABLE per_sku AS SELECT sku, SUM(total) AS revenue FROM lines GROUP BY sku;
INSERT INTO orders VALUES (1, ARRAY[STRUCT(sku := 'a', qty := 2, price := 1.5), STRUCT(sku := 'b', qty := 1, price := 4.0)]);
ASSERT VALUES lines (id, sku, total) VALUES (1, 'a', 3.0);
ASSERT VALUES lines (id, sku, total) VALUES (1, 'b', 4.0);
ASSERT VALUES per_sku (sku, revenue) VALUES ('a', 3.0);
ASSERT VALUES per_sku (sku, revenue) VALUES ('b', 4.0);

--@test: AS_VALUE with join and partition by
CREATE STREAM o (oid INT KEY, cust INT, amt DOUBLE) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR, tier VARCHAR) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM e AS SELECT o.cust AS cust, AS_VALUE(o.cust) AS cust_copy, o.oid AS oid, c.name AS name, CASE WHEN c.tier = 'gold' THEN o.amt * 0.9 ELSE o.amt END AS net FROM o LEFT JOIN c ON o.cust = c.id PARTITION BY o.cust EMIT CHANGES;
INSERT INTO c VALUES (7, 'ann', 'gold');
INSERT INTO o VALUES (1, 7, 100);
INSERT INTO o VALUES (2, 8, 100);
ASSERT VALUES e (cust, cust_copy, oid, name, net) VALUES (7, 7, 1, 'ann', 90.0);
ASSERT VALUES e (cust, cust_copy, oid, name, net) VALUES (8, 8, 2, NULL, 100.0);

--@test: windowed stream-stream outer join then group by windowed
CREATE STREAM impressions (user VARCHAR KEY, impression_id BIGINT, url VARCHAR) WITH (KAFKA_TOPIC='imp', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM clicks (user VARCHAR KEY, url VARCHAR) WITH (KAFKA_TOPIC='clk', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM joined AS SELECT i.user AS user, i.url AS iurl, c.url AS curl FROM impressions i LEFT JOIN clicks c WITHIN 1 MINUTE GRACE PERIOD 0 SECONDS ON i.user = c.user EMIT CHANGES;
INSERT INTO impressions (ROWTIME, user, impression_id, url) VALUES (0, 'u', 1, 'a');
INSERT INTO impressions (ROWTIME, user, impression_id, url) VALUES (100000, 'v', 1, 'b');
INSERT INTO clicks (ROWTIME, user, url) VALUES (100001, 'v', 'b');
ASSERT VALUES joined (user, iurl, curl, ROWTIME) VALUES ('u', 'a', NULL, 0);
ASSERT VALUES joined (user, iurl, curl, ROWTIME) VALUES ('v', 'b', 'b', 100001);

--@test: log roll-up with regexp and split
CREATE STREAM logs (line VARCHAR) WITH (KAFKA_TOPIC='logs', VALUE_FORMAT='KAFKA', PARTITIONS=1);
CREATE STREAM parsed WITH (VALUE_FORMAT='JSON') AS SELECT REGEXP_EXTRACT('^(\S+) - - \[(.*?)\] "(\w+) ([^ ]+)[^"]*" (\d+) (\d+)', line, 1) AS host, REGEXP_EXTRACT('"(\w+) ', line, 1) AS method, CAST(REGEXP_EXTRACT('" (\d+) ', line, 1) AS INT) AS status, SPLIT(line, ' ')[1] AS first, PARSE_TIMESTAMP(REGEXP_EXTRACT('\[(.*?)\]', line, 1), 'dd/MMM/yyyy:HH:mm:ss Z') AS t FROM logs;
CREATE TABLE by_status WITH (KEY_FORMAT='JSON') AS SELECT status, method, COUNT(*) AS n FROM parsed WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY status, method;
INSERT INTO logs VALUES ('1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET /x HTTP/1.0" 200 2326');
ASSERT VALUES parsed (host, method, status, first) VALUES ('1.2.3.4', 'GET', 200, '1.2.3.4');
ASSERT VALUES by_status (status, method, n) VALUES (200, 'GET', 1);

--@test: nested struct insert, alias, deref, case
CREATE TYPE addr AS STRUCT<street VARCHAR, city VARCHAR, geo STRUCT<lat DOUBLE, lon DOUBLE>>;
CREATE STREAM p (id VARCHAR KEY, a addr, hist ARRAY<addr>, m MAP<VARCHAR, addr>) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM q AS SELECT id, a->geo->lat AS lat, hist[1]->city AS c1, hist[-1]->city AS cl, m['home']->geo->lon AS lon, STRUCT(x := a->city, y := ARRAY[a->street, hist[1]->street]) AS st FROM p;
INSERT INTO p VALUES ('1', STRUCT(street := 's', city := 'c', geo := STRUCT(lat := 1.0, lon := 2.0)), ARRAY[STRUCT(street := 's1', city := 'c1', geo := STRUCT(lat := 1.0, lon := 2.0)), STRUCT(street := 's2', city := 'c2', geo := STRUCT(lat := 1.0, lon := 2.0))], MAP('home' := STRUCT(street := 's', city := 'c', geo := STRUCT(lat := 1.0, lon := 5.0))));
ASSERT VALUES q (id, lat, c1, cl, lon, st) VALUES ('1', 1.0, 'c1', 'c2', 5.0, STRUCT(x := 'c', y := ARRAY['s', 's1']));

--@test: multiple group by with struct key expression
CREATE STREAM s (a INT, b VARCHAR, v BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', KEY_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT STRUCT(a := a, b := b) AS k, SUM(v) AS s FROM s GROUP BY STRUCT(a := a, b := b);
INSERT INTO s VALUES (1, 'x', 2); INSERT INTO s VALUES (1, 'x', 3);
ASSERT VALUES t (k, s) VALUES (STRUCT(a := 1, b := 'x'), 2);
ASSERT VALUES t (k, s) VALUES (STRUCT(a := 1, b := 'x'), 5);

--@test: group by with alias of expression key, concat operator and COALESCE
CREATE STREAM s (a VARCHAR, b VARCHAR, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED', PARTITIONS=1);
CREATE TABLE t WITH (VALUE_FORMAT='JSON') AS SELECT COALESCE(a, 'none') + '-' + b AS k, AVG(v) AS av FROM s GROUP BY COALESCE(a, 'none') + '-' + b;
INSERT INTO s VALUES ('x', 'y', 1);
ASSERT VALUES t (k, av) VALUES ('x-y', 1.0);

--@test: delimited with pipe and tab
CREATE STREAM s (a INT, b VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED', VALUE_DELIMITER='|', PARTITIONS=1);
CREATE STREAM t WITH (VALUE_DELIMITER='TAB') AS SELECT * FROM s;
INSERT INTO s VALUES (1, 'a b');
ASSERT VALUES t (a, b) VALUES (1, 'a b');

--@test: table-table join with suppress
CREATE TABLE u (id INT PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE b (id INT PRIMARY KEY, bal DECIMAL(10,2)) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE ub AS SELECT ROWKEY, u.id, u.name, b.bal FROM u FULL OUTER JOIN b ON u.id = b.id;
INSERT INTO u VALUES (1, 'ann');
INSERT INTO b VALUES (1, 3.50);
INSERT INTO b VALUES (2, 4.5);
ASSERT VALUES ub (ROWKEY, u_id, name, bal) VALUES (1, 1, 'ann', NULL);
ASSERT VALUES ub (ROWKEY, name, bal) VALUES (1, 'ann', 3.50);
ASSERT VALUES ub (ROWKEY, name, bal) VALUES (2, NULL, 4.50);

--@test: fk join
CREATE TABLE o (id INT PRIMARY KEY, cust INT, amt INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE oc AS SELECT o.id AS id, o.amt, c.name FROM o JOIN c ON o.cust = c.id;
INSERT INTO c VALUES (1, 'ann');
INSERT INTO o VALUES (10, 1, 5);
INSERT INTO c VALUES (1, 'anna');
ASSERT VALUES oc (id, amt, name) VALUES (10, 5, 'ann');
ASSERT VALUES oc (id, amt, name) VALUES (10, 5, 'anna');

--@test: three way join and insert into
CREATE STREAM o (id INT KEY, c INT, p INT, q INT) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE c (id INT PRIMARY KEY, n VARCHAR) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE p (id INT PRIMARY KEY, pn VARCHAR, price DECIMAL(6,2)) WITH (KAFKA_TOPIC='p', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM e AS SELECT p.id, o.id AS oid, c.n, p.pn, o.q * p.price AS total FROM o JOIN c ON o.c = c.id JOIN p ON o.p = p.id;
INSERT INTO c VALUES (1, 'ann'); INSERT INTO p VALUES (2, 'pen', 1.25); INSERT INTO o VALUES (5, 1, 2, 4);
ASSERT VALUES e (p_id, oid, n, pn, total) VALUES (2, 5, 'ann', 'pen', 5.00);

--@test: emit final
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, COUNT(*) AS n, EARLIEST_BY_OFFSET(v, 2) AS e, LATEST_BY_OFFSET(v, 2) AS l FROM s WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k EMIT FINAL;
INSERT INTO s (ROWTIME, k, v) VALUES (0, 'a', 1); INSERT INTO s (ROWTIME, k, v) VALUES (1, 'a', 2); INSERT INTO s (ROWTIME, k, v) VALUES (2, 'a', 3); INSERT INTO s (ROWTIME, k, v) VALUES (11000, 'a', 4);
ASSERT VALUES t (k, n, e, l) VALUES ('a', 3, ARRAY[1,2], ARRAY[2,3]);

--@test: histogram, collect_set, attr, stddev, correlation
CREATE STREAM s (k VARCHAR KEY, v INT, w VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, HISTOGRAM(w) AS h, COLLECT_SET(v) AS cs, STDDEV_SAMP(v) AS sd, MIN(v) AS mi, SUM(v) / COUNT(v) AS av FROM s GROUP BY k;
INSERT INTO s VALUES ('a', 1, 'x'); INSERT INTO s VALUES ('a', 3, 'x');
ASSERT VALUES t (k, h, cs, mi, av) VALUES ('a', MAP('x' := 1), ARRAY[1], 1, 1);
ASSERT VALUES t (k, h, cs, mi, av) VALUES ('a', MAP('x' := 2), ARRAY[1,3], 1, 2);

--@test: HEADERS column, and offsets partition pseudo columns
CREATE STREAM s (k VARCHAR KEY, v INT, h ARRAY<STRUCT<key STRING, value BYTES>> HEADERS) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, v, ROWPARTITION AS p, ROWOFFSET AS o, ARRAY_LENGTH(h) AS n FROM s;
INSERT INTO s (k, v) VALUES ('a', 1);
ASSERT VALUES t (k, v, p, o) VALUES ('a', 1, 0, 0);

--@test: between, like escape, is distinct from, not in
CREATE STREAM s (k VARCHAR KEY, v INT, w VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, v BETWEEN 1 AND 3 AS b, w LIKE 'a!%%' ESCAPE '!' AS l, v IS DISTINCT FROM 5 AS d, v NOT IN (5, 6) AS n, NOT (v > 2) AS x FROM s;
INSERT INTO s VALUES ('a', 2, 'a%bc');
ASSERT VALUES t (k, b, l, d, n, x) VALUES ('a', true, true, true, true, true);

--@test: searched and simple case with nulls
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, CASE WHEN v > 10 THEN 'big' WHEN v > 5 THEN 'mid' END AS c, CASE WHEN v IS NULL THEN -1 ELSE v END AS d, IFNULL(v, 0) AS i, NULLIF(v, 7) AS n FROM s;
INSERT INTO s VALUES ('a', 7); INSERT INTO s (k) VALUES ('b');
ASSERT VALUES t (k, c, d, i, n) VALUES ('a', 'mid', 7, 7, NULL);
ASSERT VALUES t (k, c, d, i, n) VALUES ('b', NULL, -1, 0, NULL);

--@test: json functions
CREATE STREAM s (k VARCHAR KEY, j VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, EXTRACTJSONFIELD(j, '$.a.b[1]') AS x, JSON_KEYS(j) AS ks, JSON_ARRAY_LENGTH(EXTRACTJSONFIELD(j, '$.a.b')) AS n, IS_JSON_STRING(j) AS ok, JSON_RECORDS(j)['c'] AS c, JSON_ITEMS(EXTRACTJSONFIELD(j, '$.a.b')) AS it, TO_JSON_STRING(STRUCT(a := 1, b := ARRAY['x'])) AS js FROM s;
INSERT INTO s VALUES ('a', '{"a":{"b":[1,"two"]},"c":3}');
ASSERT VALUES t (k, x, n, ok, c, it, js) VALUES ('a', 'two', 2, true, '3', ARRAY['1', '"two"'], '{"A":1,"B":["x"]}');

--@test: date and time
CREATE STREAM s (k VARCHAR KEY, d DATE, t TIME, ts TIMESTAMP) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, DATEADD(DAYS, 3, d) AS d3, TIMESUB(MINUTES, 10, t) AS t10, TIMESTAMPADD(HOURS, 2, ts) AS ts2, FORMAT_DATE(d, 'dd.MM.yy') AS f, FORMAT_TIMESTAMP(ts, 'yyyy-MM-dd HH:mm', 'Europe/Berlin') AS g, UNIX_TIMESTAMP(ts) AS u, UNIX_DATE(d) AS ud, CONVERT_TZ(ts, 'UTC', 'Asia/Tokyo') AS z, FROM_UNIXTIME(0) AS fu, ts > '2023-01-01T00:00:00' AS cmp FROM s;
INSERT INTO s VALUES ('a', '2023-01-30', '10:05:00', '2023-06-01T12:00:00');
ASSERT VALUES o (k, d3, t10, ts2, f, g, u, ud, z, fu, cmp) VALUES ('a', '2023-02-02', '09:55:00', '2023-06-01T14:00:00', '30.01.23', '2023-06-01 14:00', 1685620800000, 19387, '2023-06-01T21:00:00', '1970-01-01T00:00:00', true);

--@test: a row that no longer matches leaves its table
CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE f AS SELECT id, v FROM t WHERE v > 5;
INSERT INTO t VALUES (1, 9); INSERT INTO t VALUES (1, 2);
ASSERT VALUES f (id, v) VALUES (1, 9);
ASSERT NULL VALUES f (id) KEY (1);

--@test: SELECT * from join, both prefixed
CREATE STREAM a (id INT KEY, v INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE b (id INT PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT * FROM a JOIN b ON a.id = b.id;
INSERT INTO b VALUES (1, 2); INSERT INTO a VALUES (1, 3);
ASSERT VALUES j (a_id, a_v, b_id, b_w) VALUES (1, 3, 1, 2);

--@test: select a.*, b.col
CREATE STREAM a (id INT KEY, v INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE b (id INT PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT a.*, b.w AS ww FROM a JOIN b ON a.id = b.id;
INSERT INTO b VALUES (1, 2); INSERT INTO a VALUES (1, 3);
ASSERT VALUES j (a_id, a_v, ww) VALUES (1, 3, 2);

--@test: struct star
CREATE STREAM a (id INT KEY, s STRUCT<x INT, y VARCHAR>) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT id, s->* FROM a;
INSERT INTO a VALUES (1, STRUCT(x := 2, y := 'z'));
ASSERT VALUES j (id, x, y) VALUES (1, 2, 'z');

--@test: union by insert into
CREATE STREAM a (id INT KEY, v INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM b (id INT KEY, v INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM u AS SELECT 'a' AS src, * FROM a;
INSERT INTO u SELECT 'b' AS src, * FROM b;
INSERT INTO a VALUES (1, 1); INSERT INTO b VALUES (2, 2);
ASSERT VALUES u (id, src, v) VALUES (1, 'a', 1);
ASSERT VALUES u (id, src, v) VALUES (2, 'b', 2);

--@test: the rows of hopping windows, read back with their windows
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s WINDOW HOPPING (SIZE 30 SECONDS, ADVANCE BY 10 SECONDS, RETENTION 1 DAY, GRACE PERIOD 12 HOURS) GROUP BY k;
CREATE STREAM t2 (k VARCHAR KEY, n BIGINT) WITH (KAFKA_TOPIC='T', VALUE_FORMAT='JSON', WINDOW_TYPE='HOPPING', WINDOW_SIZE='30 SECONDS');
CREATE STREAM t3 AS SELECT k, WINDOWSTART AS ws, n FROM t2;
INSERT INTO s (ROWTIME, k, v) VALUES (25000, 'a', 1);
ASSERT VALUES t3 (k, ws, n) VALUES ('a', 0, 1);
ASSERT VALUES t3 (k, ws, n) VALUES ('a', 10000, 1);
ASSERT VALUES t3 (k, ws, n) VALUES ('a', 20000, 1);

--@test: avro in, protobuf out, nested everything
CREATE STREAM a (k STRUCT<x INT> KEY, s STRUCT<d DECIMAL(8,3), m MAP<VARCHAR, INT>, l ARRAY<STRUCT<t TIMESTAMP, b BYTES>>>, e DATE, tm TIME) WITH (KAFKA_TOPIC='a', FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM p WITH (FORMAT='PROTOBUF') AS SELECT * FROM a;
CREATE STREAM j WITH (FORMAT='JSON_SR') AS SELECT * FROM p;
INSERT INTO a VALUES (STRUCT(x := 1), STRUCT(d := 1.250, m := MAP('a' := 1), l := ARRAY[STRUCT(t := '2020-01-01T00:00:00', b := TO_BYTES('AQI=', 'base64'))]), '2020-02-03', '10:11:12');
ASSERT VALUES p (k, s, e, tm) VALUES (STRUCT(x := 1), STRUCT(d := 1.250, m := MAP('a' := 1), l := ARRAY[STRUCT(t := '2020-01-01T00:00:00', b := TO_BYTES('AQI=', 'base64'))]), '2020-02-03', '10:11:12');
ASSERT VALUES j (k, s, e, tm) VALUES (STRUCT(x := 1), STRUCT(d := 1.250, m := MAP('a' := 1), l := ARRAY[STRUCT(t := '2020-01-01T00:00:00', b := TO_BYTES('AQI=', 'base64'))]), '2020-02-03', '10:11:12');

--@test: columns of a topic that a query writes
CREATE STREAM a (k VARCHAR KEY, v INT, w VARCHAR) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM b WITH (KAFKA_TOPIC='bb') AS SELECT k, v + 1 AS v1 FROM a;
CREATE STREAM c (k VARCHAR KEY) WITH (KAFKA_TOPIC='bb', VALUE_FORMAT='AVRO');
CREATE STREAM d AS SELECT k, v1 * 2 AS v2 FROM c;
INSERT INTO a VALUES ('x', 1, 'y');
ASSERT VALUES d (k, v2) VALUES ('x', 4);

--@test: partition by two columns, by null, by function
CREATE STREAM a (k VARCHAR KEY, v INT, w VARCHAR) WITH (KAFKA_TOPIC='a', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM b AS SELECT v, w, k FROM a PARTITION BY v, w;
CREATE STREAM c AS SELECT UCASE(w) AS uw, v FROM a PARTITION BY UCASE(w);
INSERT INTO a VALUES ('x', 1, 'y');
ASSERT VALUES b (v, w, k) VALUES (1, 'y', 'x');
ASSERT VALUES c (uw, v) VALUES ('Y', 1);

--@test: a join of two expressions
CREATE STREAM l (id INT KEY, code VARCHAR) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM r (id INT KEY, rcode VARCHAR) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT ROWKEY, LCASE(l.code) AS c, l.id AS lid, r.id AS rid FROM l JOIN r WITHIN 1 HOUR ON LCASE(l.code) = LCASE(r.rcode);
INSERT INTO l (ROWTIME, id, code) VALUES (1, 1, 'AB'); INSERT INTO r (ROWTIME, id, rcode) VALUES (2, 2, 'ab');
ASSERT VALUES j (c, lid, rid) VALUES ('ab', 1, 2);

--@test: readings with what is known of their devices, counted by site and kind
CREATE STREAM readings (device VARCHAR KEY, metric VARCHAR) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE devices (device VARCHAR PRIMARY KEY, kind VARCHAR, site VARCHAR) WITH (KAFKA_TOPIC='devices', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM known AS SELECT devices.device AS device, metric, site, kind FROM readings LEFT JOIN devices ON readings.device = devices.device EMIT CHANGES;
CREATE STREAM pumps AS SELECT * FROM known WHERE kind = 'PUMP' EMIT CHANGES;
CREATE STREAM north WITH (KAFKA_TOPIC='pumps_north') AS SELECT * FROM pumps WHERE site LIKE '%_1' OR site LIKE '%_2' EMIT CHANGES;
CREATE TABLE by_site WITH (VALUE_FORMAT='avro', KEY_FORMAT='json') AS SELECT kind, site, COUNT(*) AS n FROM known WINDOW TUMBLING (size 30 second) GROUP BY kind, site EMIT CHANGES;
INSERT INTO devices VALUES ('d', 'PUMP', 'site_2');
INSERT INTO readings VALUES ('d', 'rpm');
ASSERT VALUES north (device, metric, site) VALUES ('d', 'rpm', 'site_2');
ASSERT VALUES by_site (kind, site, n) VALUES ('PUMP', 'site_2', 1);

--@test: latest_by_offset of struct and collect_list of struct
CREATE STREAM s (k VARCHAR KEY, st STRUCT<a INT, b VARCHAR>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, LATEST_BY_OFFSET(st) AS l, COLLECT_LIST(st) AS c, LATEST_BY_OFFSET(st)->a AS la, LEN(LATEST_BY_OFFSET(st->b)) AS n FROM s GROUP BY k;
INSERT INTO s VALUES ('x', STRUCT(a := 1, b := 'yy'));
ASSERT VALUES t (k, l, c, la, n) VALUES ('x', STRUCT(a := 1, b := 'yy'), ARRAY[STRUCT(a := 1, b := 'yy')], 1, 2);

--@test: as_map, map_union, array functions
CREATE STREAM s (k VARCHAR KEY, a ARRAY<VARCHAR>, b ARRAY<INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, AS_MAP(a, b) AS m, ARRAY_JOIN(ARRAY_SORT(b, 'DESC'), ',') AS j, ARRAY_CONTAINS(a, 'x') AS c, ARRAY_DISTINCT(ARRAY_CONCAT(b, b)) AS d, SLICE(b, 1, 1) AS sl, ARRAY_MAX(b) AS mx, ENTRIES(AS_MAP(a, b), true)[1]->v AS ev, GENERATE_SERIES(1, 5, 2) AS g, MAP_KEYS(AS_MAP(a, b)) AS mk FROM s;
INSERT INTO s VALUES ('k', ARRAY['x', 'y'], ARRAY[1, 2]);
ASSERT VALUES t (k, m, j, c, d, sl, mx, g) VALUES ('k', MAP('x' := 1, 'y' := 2), '2,1', true, ARRAY[1,2], ARRAY[1], 2, ARRAY[1,3,5]);

--@test: url, mask, encode, hash
CREATE STREAM s (k VARCHAR KEY, u VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, URL_EXTRACT_HOST(u) AS h, URL_EXTRACT_PARAMETER(u, 'q') AS q, MASK(u) AS m, MASK_KEEP_RIGHT(u, 2) AS mr, ENCODE('hi', 'utf8', 'base64') AS e, INITCAP('the quick') AS i, SUBSTRING(u, 1, 4) AS sb, INSTR(u, ':') AS ins, LPAD('7', 3, '0') AS lp, REPLACE(u, 'http', 'ftp') AS r, CHR(65) AS ch, SPLIT_TO_MAP('a=1;b=2', ';', '=')['b'] AS sm FROM s;
INSERT INTO s VALUES ('k', 'http://h/p?q=1');
ASSERT VALUES t (k, h, q, e, i, sb, ins, lp, r, ch, sm) VALUES ('k', 'h', '1', 'aGk=', 'The Quick', 'http', 5, '007', 'ftp://h/p?q=1', 'A', '2');

--@test: decimals arithmetic
CREATE STREAM s (k VARCHAR KEY, a DECIMAL(4,2), b DECIMAL(5,3), i INT, d DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, a + b AS p, a * b AS m, a / b AS q, a % b AS r, a + i AS pi, a * d AS dd, ROUND(b, 1) AS rd, CAST(a AS INT) AS ci, ABS(-a) AS ab, a > b AS g, CAST('12.345' AS DECIMAL(5,2)) AS c FROM s;
INSERT INTO s VALUES ('k', 10.50, 2.125, 3, 2.0);
ASSERT VALUES t (k, p, m, pi, dd, ci, g, c) VALUES ('k', 12.625, 22.31250, 13.50, 21.0, 10, true, 12.35);

--@test: OR REPLACE adds a column
CREATE STREAM s (k VARCHAR KEY, a INT, b INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, a FROM s WHERE a > 1;
CREATE OR REPLACE STREAM t AS SELECT k, a, b FROM s WHERE a > 2;
INSERT INTO s VALUES ('k', 2, 5); INSERT INTO s VALUES ('k', 3, 6);
ASSERT VALUES t (k, a, b) VALUES ('k', 3, 6);

--@test: alter add column
CREATE STREAM s (k VARCHAR KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
ALTER STREAM s ADD COLUMN b INT, ADD c STRUCT<x INT>;
CREATE STREAM t AS SELECT k, a, b, c->x AS x FROM s;
INSERT INTO s VALUES ('k', 1, 2, STRUCT(x := 3));
ASSERT VALUES t (k, a, b, x) VALUES ('k', 1, 2, 3);

--@test: quoted identifiers and case
CREATE STREAM `s-1` (`k` VARCHAR KEY, `camelCase` INT, "other col" INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM `t` AS SELECT `k`, `camelCase` + "other col" AS `sum`, `camelCase` FROM `s-1` `x`;
INSERT INTO `s-1` (`k`, `camelCase`, "other col") VALUES ('k', 1, 2);
ASSERT VALUES `t` (`k`, `sum`) VALUES ('k', 3);

--@test: a stream by another key is a table's changelog
CREATE STREAM s (k INT, v VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM rk WITH (KAFKA_TOPIC='rk') AS SELECT * FROM s PARTITION BY k;
CREATE TABLE tb (k INT PRIMARY KEY, v VARCHAR) WITH (KAFKA_TOPIC='rk', VALUE_FORMAT='JSON');
CREATE TABLE agg AS SELECT v, COUNT(*) AS n FROM tb GROUP BY v;
INSERT INTO s VALUES (1, 'a'); INSERT INTO s VALUES (2, 'a'); INSERT INTO s VALUES (1, 'b');
ASSERT VALUES agg (v, n) VALUES ('a', 1);
ASSERT VALUES agg (v, n) VALUES ('a', 2);
ASSERT VALUES agg (v, n) VALUES ('a', 1);
ASSERT VALUES agg (v, n) VALUES ('b', 1);

--@test: having with alias-free aggregates and where and multiple aggs in expression
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, SUM(v) * 100 / COUNT(*) AS pct, CASE WHEN SUM(v) > 5 THEN 'hi' ELSE 'lo' END AS lvl, k + '!' AS kk FROM s WHERE v IS NOT NULL GROUP BY k HAVING SUM(v) > 2 AND COUNT(*) < 10;
INSERT INTO s VALUES ('a', 3); INSERT INTO s VALUES ('a', 4);
ASSERT VALUES t (k, pct, lvl, kk) VALUES ('a', 300, 'lo', 'a!');
ASSERT VALUES t (k, pct, lvl, kk) VALUES ('a', 350, 'hi', 'a!');

--@test: CSAS from windowed stream, keep window in key
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='Session');
CREATE STREAM t AS SELECT * FROM s;
ASSERT STREAM t (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='T', VALUE_FORMAT='JSON');

--@test: one condition per join
--@expected.error: plan
CREATE STREAM l (id INT KEY, c INT) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE r (id INT PRIMARY KEY, d INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT * FROM l JOIN r ON l.id = r.id AND l.c = r.d;

--@test: lambda over nulls, coalesce in reduce
CREATE STREAM s (k VARCHAR KEY, a ARRAY<INT>, m MAP<VARCHAR, INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, REDUCE(a, 0, (s, x) => s + COALESCE(x, 0)) AS r, REDUCE(m, 100, (s, mk, mv) => s - mv) AS rm, FILTER(m, (mk, mv) => mk IN ('a','b') AND mv % 2 = 0) AS fm, TRANSFORM(a, x => CASE WHEN x IS NULL THEN -1 ELSE x END) AS tr FROM s;
INSERT INTO s VALUES ('k', ARRAY[1, NULL, 3], MAP('a' := 2, 'b' := 3, 'c' := 4));
ASSERT VALUES t (k, r, rm, fm, tr) VALUES ('k', 4, 91, MAP('a' := 2), ARRAY[1, -1, 3]);

--@test: explode in join result and group by window
CREATE STREAM tw (id BIGINT KEY, text VARCHAR, entities STRUCT<hashtags ARRAY<STRUCT<text VARCHAR>>>) WITH (KAFKA_TOPIC='tw', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM words AS SELECT id, EXPLODE(REGEXP_SPLIT_TO_ARRAY(LCASE(text), '\W+')) AS word FROM tw;
CREATE TABLE counts AS SELECT word, COUNT(*) AS n FROM words WINDOW TUMBLING (SIZE 1 DAY) WHERE LEN(word) > 2 GROUP BY word;
CREATE STREAM tags AS SELECT id, LCASE(EXPLODE(entities->hashtags)->text) AS tag FROM tw;
INSERT INTO tw VALUES (1, 'Hello the World', STRUCT(hashtags := ARRAY[STRUCT(text := 'KSQL')]));
ASSERT VALUES counts (word, n) VALUES ('hello', 1);
ASSERT VALUES counts (word, n) VALUES ('the', 1);
ASSERT VALUES counts (word, n) VALUES ('world', 1);
ASSERT VALUES tags (id, tag) VALUES (1, 'ksql');

--@test: the key columns of old scripts are refused
--@expected.error: plan
CREATE STREAM s (ROWKEY VARCHAR, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', KEY='v', PARTITIONS=1);

--@test: create table as with windowstart in select and cast key
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, FORMAT_TIMESTAMP(FROM_UNIXTIME(WINDOWSTART), 'yyyy-MM-dd HH:mm:ss', 'UTC') AS ws, FROM_UNIXTIME(WINDOWEND) AS we, SUM(v) AS s FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;
INSERT INTO s (ROWTIME, k, v) VALUES (61000, 'a', 1);
ASSERT VALUES t (k, ws, we, s) VALUES ('a', '1970-01-01 00:01:00', '1970-01-01T00:02:00', 1);

--@test: right join and ROWTIME in select
CREATE STREAM l (id INT KEY, c INT) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM r (id INT KEY, d INT) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT l.id AS i, r.id, l.c, r.d, l.ROWTIME AS lt, r.ROWTIME AS rt FROM l RIGHT OUTER JOIN r WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON l.id = r.id;
INSERT INTO l (ROWTIME, id, c) VALUES (1, 1, 5); INSERT INTO r (ROWTIME, id, d) VALUES (2, 1, 6);
ASSERT VALUES j (r_id, i, c, d, lt, rt) VALUES (1, 1, 5, 6, 1, 2);

--@test: a TIMESTAMP of an AVRO record is the time of the event
CREATE STREAM s (k VARCHAR KEY, ts TIMESTAMP, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='AVRO', PARTITIONS=1, TIMESTAMP='ts');
CREATE TABLE t AS SELECT k, WINDOWSTART AS w, SUM(v) AS s FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;
INSERT INTO s (k, ts, v) VALUES ('a', '2020-01-01T01:30:00', 3);
ASSERT VALUES t (k, w, s) VALUES ('a', 1577840400000, 3);

--@test: concat ws, nulls, operators precedence, casts
CREATE STREAM s (k VARCHAR KEY, a INT, b BIGINT, c DOUBLE, d BOOLEAN, e VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, CONCAT_WS('-', k, CAST(a AS VARCHAR), e) AS cw, 'a' + CAST(c AS STRING) AS cs, a + b * 2 - -a AS ar, CAST(e AS BIGINT) AS ce, CAST(d AS VARCHAR) AS cd, a / 2 AS hf, c / 2 AS hc, 7 % 3 AS md, CAST(c AS INT) AS ci FROM s;
INSERT INTO s VALUES ('k', 3, 4, 2.5, true, '77');
ASSERT VALUES t (k, cw, cs, ar, ce, cd, hf, hc, md, ci) VALUES ('k', 'k-3-77', 'a2.5', 14, 77, 'true', 1, 1.25, 1, 2);

--@test: NONE key format and group by into JSON key
CREATE STREAM s (v INT, w VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='NONE', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t WITH (KEY_FORMAT='KAFKA') AS SELECT w, COUNT_DISTINCT(v) AS n FROM s GROUP BY w;
INSERT INTO s VALUES (1, 'a'); INSERT INTO s VALUES (1, 'a'); INSERT INTO s VALUES (2, 'a');
ASSERT VALUES t (w, n) VALUES ('a', 1);
ASSERT VALUES t (w, n) VALUES ('a', 1);
ASSERT VALUES t (w, n) VALUES ('a', 2);

--@test: wrap single value false
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', WRAP_SINGLE_VALUE=false, PARTITIONS=1);
CREATE STREAM t WITH (VALUE_FORMAT='AVRO', WRAP_SINGLE_VALUE=false) AS SELECT k, v + 1 AS w FROM s;
INSERT INTO s VALUES ('a', 1);
ASSERT VALUES t (k, w) VALUES ('a', 2);

--@test: the right side of a join of tables comes later
CREATE TABLE l (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='l', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE r (id INT PRIMARY KEY, w INT) WITH (KAFKA_TOPIC='r', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE j AS SELECT l.id AS id, v, w FROM l LEFT JOIN r ON l.id = r.id;
INSERT INTO l VALUES (1, 1); INSERT INTO r VALUES (1, 2);
ASSERT VALUES j (id, v, w) VALUES (1, 1, NULL);
ASSERT VALUES j (id, v, w) VALUES (1, 1, 2);

--@test: explode map entries
CREATE STREAM s (k VARCHAR KEY, m MAP<VARCHAR, STRUCT<a INT>>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, EXPLODE(MAP_KEYS(m)) AS mk, EXPLODE(MAP_VALUES(m))->a AS a FROM s;
INSERT INTO s VALUES ('k', MAP('x' := STRUCT(a := 1)));
ASSERT VALUES t (k, mk, a) VALUES ('k', 'x', 1);

--@test: implicit array/map/struct literals with mixed number types
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, ARRAY[1, 2.5, v] AS a, MAP('a' := v, 'b' := 10000000000) AS m, GREATEST(v, 3, 2) AS g, LEAST(3, v) AS l, ARRAY[ARRAY[v], ARRAY[1,2]] AS aa FROM s;
INSERT INTO s VALUES ('k', 7);
ASSERT VALUES t (k, g, m, aa) VALUES ('k', 7, MAP('a' := 7, 'b' := 10000000000), ARRAY[ARRAY[7], ARRAY[1,2]]);

--@test: multi-way stream stream with tables and PARTITION BY struct field
CREATE STREAM o (k VARCHAR KEY, c STRUCT<id INT>, amt DECIMAL(9,2)) WITH (KAFKA_TOPIC='o', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o2 AS SELECT c->id AS cid, amt, k FROM o PARTITION BY c->id;
CREATE TABLE tot AS SELECT cid, SUM(amt) AS total, MAX(amt) AS mx FROM o2 GROUP BY cid;
INSERT INTO o VALUES ('x', STRUCT(id := 4), 10.25); INSERT INTO o VALUES ('x', STRUCT(id := 4), 1.25);
ASSERT VALUES tot (cid, total, mx) VALUES (4, 10.25, 10.25);
ASSERT VALUES tot (cid, total, mx) VALUES (4, 11.50, 10.25);

--@test: aliases without AS, literals as columns
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT q.k, q.v vv, 'lit' lit, 1 one, true flag, CAST(NULL AS INT) AS nothing FROM s q WHERE q.v >= 1 AND NOT (q.v <> 1 OR q.v = 2);
INSERT INTO s VALUES ('a', 1);
ASSERT VALUES t (k, vv, lit, one, flag) VALUES ('a', 1, 'lit', 1, true);

--@test: nested aggregates on map values, and aggregated map
CREATE STREAM s (k VARCHAR KEY, m MAP<VARCHAR, INT>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, SUM(m['a'] + m['b']) AS s, COLLECT_LIST(MAP_KEYS(m)[1]) AS ks, MAX(CAST(m['a'] AS BIGINT)) AS mx FROM s GROUP BY k;
INSERT INTO s VALUES ('x', MAP('a' := 1, 'b' := 2));
ASSERT VALUES t (k, s, mx) VALUES ('x', 3, 1);

--@test: count if idiom with case
CREATE STREAM s (k VARCHAR KEY, ok BOOLEAN, ms INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, SUM(CASE WHEN ok THEN 1 ELSE 0 END) AS good, COUNT(CASE WHEN NOT ok THEN 1 END) AS bad, CAST(SUM(CASE WHEN ok THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) AS rate, AVG(CASE WHEN ok THEN ms END) AS av FROM s GROUP BY k;
INSERT INTO s VALUES ('x', true, 10); INSERT INTO s VALUES ('x', false, 20);
ASSERT VALUES t (k, good, bad, rate, av) VALUES ('x', 1, 0, 1.0, 10.0);
ASSERT VALUES t (k, good, bad, rate, av) VALUES ('x', 1, 1, 0.5, 10.0);

--@test: group by boolean and double and date keys
CREATE STREAM s (b BOOLEAN, d DOUBLE, dt DATE) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT b, dt, COUNT(*) AS n FROM s GROUP BY b, dt;
INSERT INTO s VALUES (true, 1.5, '2020-01-01');
ASSERT VALUES t (b, dt, n) VALUES (true, '2020-01-01', 1);

--@test: rows of windows cannot be partitioned by something else
--@expected.error: plan
--@expected.message: Implicit repartitioning of windowed sources is not supported.
CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;
CREATE STREAM c (k VARCHAR KEY, n BIGINT) WITH (KAFKA_TOPIC='T', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
CREATE STREAM o AS SELECT k + '@' + CAST(WINDOWSTART AS VARCHAR) AS id, k, n FROM c PARTITION BY k + '@' + CAST(WINDOWSTART AS VARCHAR);

--@test: stream joined with table that is itself aggregated, re-aggregated
CREATE STREAM tx (id VARCHAR KEY, acc VARCHAR, amt DECIMAL(10,2)) WITH (KAFKA_TOPIC='tx', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE bal AS SELECT acc, SUM(amt) AS total, COUNT(*) AS n FROM tx GROUP BY acc;
CREATE STREAM txa AS SELECT * FROM tx PARTITION BY acc;
CREATE STREAM e AS SELECT txa.acc, txa.amt, bal.total, bal.n FROM txa JOIN bal ON txa.acc = bal.acc;
INSERT INTO tx VALUES ('1', 'a', 5.00);
ASSERT VALUES bal (acc, total, n) VALUES ('a', 5.00, 1);

--@test: left join null handling with IFNULL and boolean
CREATE STREAM l (k INT KEY, v INT) WITH (KAFKA_TOPIC='l', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE r (k INT PRIMARY KEY, ok BOOLEAN, name VARCHAR) WITH (KAFKA_TOPIC='r', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM j AS SELECT l.k AS k, IFNULL(r.name, 'unknown') AS n, r.ok IS NULL AS missing, COALESCE(r.ok, false) AS ok FROM l LEFT JOIN r ON l.k = r.k WHERE r.name IS NULL OR r.ok;
INSERT INTO l VALUES (1, 1);
INSERT INTO r VALUES (2, true, 'x'); INSERT INTO l VALUES (2, 2);
ASSERT VALUES j (k, n, missing, ok) VALUES (1, 'unknown', true, false);
ASSERT VALUES j (k, n, missing, ok) VALUES (2, 'x', false, true);

--@test: self join of a stream needs alias; within asymmetric
CREATE STREAM s (k INT KEY, e VARCHAR) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM s2 AS SELECT * FROM s WHERE e = 'end';
CREATE STREAM j AS SELECT a.k AS k, a.e AS ae, b.e AS be, UNIX_TIMESTAMP() > 0 AS now FROM s a JOIN s2 b WITHIN (5 SECONDS, 1 HOUR) ON a.k = b.k WHERE a.e = 'start';
INSERT INTO s (ROWTIME, k, e) VALUES (0, 1, 'start'); INSERT INTO s (ROWTIME, k, e) VALUES (60000, 1, 'end');
ASSERT VALUES j (k, ae, be) VALUES (1, 'start', 'end');

--@test: comment styles and trailing semicolons
/* block
   comment */
-- line
CREATE STREAM s (k INT KEY, -- the key
  e VARCHAR /* inline */) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 1);
CREATE STREAM o AS SELECT k, 'it''s -- not a comment' AS q, e FROM s;
INSERT INTO s VALUES (1, 'x');
ASSERT VALUES o (k, q) VALUES (1, 'it''s -- not a comment');

--@test: deep struct rebuilt by lambda, array of arrays flattened
CREATE STREAM s (k INT KEY, o ARRAY<STRUCT<id INT, tags ARRAY<VARCHAR>, p STRUCT<x DOUBLE>>>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM t AS SELECT k, TRANSFORM(o, i => STRUCT(id := i->id * 10, n := ARRAY_LENGTH(i->tags), x := i->p->x)) AS m, REDUCE(TRANSFORM(o, i => i->tags), ARRAY['-'], (a, b) => ARRAY_CONCAT(a, b)) AS fl FROM s;
INSERT INTO s VALUES (1, ARRAY[STRUCT(id := 1, tags := ARRAY['a','b'], p := STRUCT(x := 0.5)), STRUCT(id := 2, tags := ARRAY['c'], p := STRUCT(x := 1.5))]);
ASSERT VALUES t (k, m, fl) VALUES (1, ARRAY[STRUCT(id := 10, n := 2, x := 0.5), STRUCT(id := 20, n := 1, x := 1.5)], ARRAY['-','a','b','c']);

--@test: earliest and latest with nulls kept
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, LATEST_BY_OFFSET(v, false) AS l, LATEST_BY_OFFSET(v) AS l2, EARLIEST_BY_OFFSET(v, 2, false) AS e, COUNT(v) AS cv, COUNT(*) AS c FROM s GROUP BY k;
INSERT INTO s VALUES (1, 5); INSERT INTO s VALUES (1, NULL);
ASSERT VALUES t (k, l, l2, e, cv, c) VALUES (1, 5, 5, ARRAY[5], 1, 1);
ASSERT VALUES t (k, l, l2, e, cv, c) VALUES (1, NULL, 5, ARRAY[5, NULL], 1, 2);

--@test: funnel with three sequential joins n-way
CREATE STREAM a (u VARCHAR KEY, ta BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM b (u VARCHAR KEY, tb BIGINT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM c (u VARCHAR KEY, tc BIGINT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM f AS SELECT a.u AS u, ta, tb, tc, tc - ta AS dur FROM a JOIN b WITHIN 1 HOUR GRACE PERIOD 1 HOUR ON a.u = b.u JOIN c WITHIN 1 HOUR GRACE PERIOD 1 HOUR ON a.u = c.u;
INSERT INTO a (ROWTIME, u, ta) VALUES (1, 'x', 1); INSERT INTO b (ROWTIME, u, tb) VALUES (2, 'x', 2); INSERT INTO c (ROWTIME, u, tc) VALUES (3, 'x', 3);
ASSERT VALUES f (u, ta, tb, tc, dur) VALUES ('x', 1, 2, 3, 2);

--@test: TIMESTAMP property with string and format, in CSAS
CREATE STREAM s (k INT KEY, t VARCHAR, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o WITH (TIMESTAMP='t', TIMESTAMP_FORMAT='yyyy-MM-dd HH:mm:ss') AS SELECT * FROM s;
INSERT INTO s VALUES (1, '2020-01-01 00:00:01', 3);
ASSERT VALUES o (k, v, ROWTIME) VALUES (1, 3, 1577836801000);

--@test: casts of every kind
CREATE STREAM s (k INT KEY, m MAP<VARCHAR,INT>, a ARRAY<INT>, st STRUCT<x INT>, ts TIMESTAMP, b BYTES) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, CAST(a AS ARRAY<VARCHAR>) AS av, CAST(m AS MAP<VARCHAR, DOUBLE>) AS md, CAST(ts AS DATE) AS d, CAST(ts AS TIME) AS t, CAST(ts AS VARCHAR) AS v, FROM_BYTES(b, 'hex') AS h, CAST(a AS VARCHAR) AS sa FROM s;
INSERT INTO s VALUES (1, MAP('a' := 1), ARRAY[1,2], STRUCT(x := 1), '2020-02-03T04:05:06.007', TO_BYTES('cafe', 'hex'));
ASSERT VALUES o (k, av, md, d, t, v, h) VALUES (1, ARRAY['1','2'], MAP('a' := 1.0), '2020-02-03', '04:05:06.007', '2020-02-03T04:05:06.007', 'CAFE');

--@test: explode with where on outer and partition by the exploded
CREATE STREAM s (k INT KEY, tags ARRAY<VARCHAR>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM x AS SELECT k, EXPLODE(tags) AS tag FROM s;
CREATE STREAM y AS SELECT tag, k FROM x WHERE tag <> '' PARTITION BY tag;
CREATE TABLE z AS SELECT tag, COUNT_DISTINCT(k) AS n, COLLECT_SET(k) AS ks FROM y GROUP BY tag;
INSERT INTO s VALUES (1, ARRAY['a', '', 'a']);
ASSERT VALUES z (tag, n, ks) VALUES ('a', 1, ARRAY[1]);
ASSERT VALUES z (tag, n, ks) VALUES ('a', 1, ARRAY[1]);

--@test: an AVRO record of a name of the user's own
CREATE STREAM s (id INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', FORMAT='AVRO', PARTITIONS=1);
CREATE STREAM o WITH (KAFKA_TOPIC='sink', KEY_FORMAT='AVRO', VALUE_FORMAT='AVRO', VALUE_AVRO_SCHEMA_FULL_NAME='com.acme.Order') AS SELECT id, UCASE(v) AS v FROM s;
INSERT INTO s VALUES (1, 'x');
ASSERT VALUES o (id, v) VALUES (1, 'X');

--@test: JSON_SR and PROTOBUF nosr round trip
CREATE STREAM s (id INT, v ARRAY<STRUCT<a INT, b MAP<VARCHAR, BIGINT>>>, n DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='PROTOBUF_NOSR', PARTITIONS=1);
CREATE STREAM o WITH (VALUE_FORMAT='JSON_SR') AS SELECT * FROM s;
CREATE STREAM o2 WITH (VALUE_FORMAT='PROTOBUF') AS SELECT * FROM o;
INSERT INTO s VALUES (1, ARRAY[STRUCT(a := 1, b := MAP('x' := 2))], 0.5);
ASSERT VALUES o2 (id, v, n) VALUES (1, ARRAY[STRUCT(a := 1, b := MAP('x' := 2))], 0.5);

--@test: SELECT DISTINCT is not in the dialect
--@expected.error: syntax
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT DISTINCT v FROM s;

--@test: UNION not in dialect
--@expected.error: syntax
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT * FROM s UNION SELECT * FROM s;

--@test: no table function in WHERE
--@expected.error: plan
CREATE STREAM s (k INT KEY, v ARRAY<INT>) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k FROM s WHERE EXPLODE(v) = 1;

--@test: stats: average latency by path with substring before ?
CREATE STREAM s (path VARCHAR, ms INT, code INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED', PARTITIONS=1);
CREATE STREAM p AS SELECT SUBSTRING(path, 1, CASE WHEN INSTR(path, '?') > 0 THEN INSTR(path, '?') - 1 ELSE LEN(path) END) AS path, ms, code / 100 AS class FROM s;
CREATE TABLE st WITH (VALUE_FORMAT='JSON') AS SELECT path, AVG(ms) AS av, SUM(CASE WHEN class = 5 THEN 1 ELSE 0 END) AS errs FROM p GROUP BY path;
INSERT INTO s VALUES ('/a?x=1', 10, 200); INSERT INTO s VALUES ('/a', 20, 503);
ASSERT VALUES st (path, av, errs) VALUES ('/a', 10.0, 0);
ASSERT VALUES st (path, av, errs) VALUES ('/a', 15.0, 1);

--@test: late records are dropped
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 0 SECONDS) GROUP BY k;
INSERT INTO s (ROWTIME, k, v) VALUES (15000, 1, 1); INSERT INTO s (ROWTIME, k, v) VALUES (5000, 1, 1); INSERT INTO s (ROWTIME, k, v) VALUES (16000, 1, 1);
ASSERT VALUES t (k, n) VALUES (1, 1);
ASSERT VALUES t (k, n) VALUES (1, 2);

--@test: a row that moves from group to group
CREATE TABLE c (k VARCHAR PRIMARY KEY, region VARCHAR, v BIGINT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE TABLE r AS SELECT region, SUM(v) AS s, COUNT(*) AS n FROM c GROUP BY region;
INSERT INTO c VALUES ('a', 'eu', 5); INSERT INTO c VALUES ('a', 'us', 7);
ASSERT VALUES r (region, s, n) VALUES ('eu', 5, 1);
ASSERT VALUES r (region, s, n) VALUES ('eu', 0, 0);
ASSERT VALUES r (region, s, n) VALUES ('us', 7, 1);

--@test: hex/base64/crypto of bytes keys
CREATE STREAM s (k BYTES KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, FROM_BYTES(k, 'utf8') AS t, LPAD(k, 4, TO_BYTES('AA==', 'base64')) AS p, BIGINT_FROM_BYTES(TO_BYTES('0000000000000005', 'hex')) AS b FROM s;
INSERT INTO s VALUES (TO_BYTES('ab', 'utf8'), 'x');
ASSERT VALUES o (k, t, b) VALUES (TO_BYTES('ab', 'utf8'), 'ab', 5);

--@test: uuid, random, pi, trig, rounding
CREATE STREAM s (k INT KEY, v DOUBLE) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, LEN(UUID()) AS u, ROUND(v, 1) AS r, CEIL(v) AS c, FLOOR(v) AS f, SIGN(-v) AS sg, SQRT(v * v) AS sq, POWER(2, 10) AS p, LN(EXP(1)) AS l, ABS(-v) AS a, TRUNC(v) AS t FROM s;
INSERT INTO s VALUES (1, 2.75);
ASSERT VALUES o (k, u, r, c, f, sg, sq, p, l, a) VALUES (1, 36, 2.8, 3.0, 2.0, -1, 2.75, 1024.0, 1.0, 2.75);

--@test: implicit string compare with timestamps/dates in where, BETWEEN
CREATE STREAM s (k INT KEY, ts TIMESTAMP, d DATE, t TIME) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, d FROM s WHERE ts BETWEEN '2020-01-01' AND '2020-12-31T23:59:59' AND d >= '2020-06-01' AND t < '12:00';
INSERT INTO s VALUES (1, '2020-07-01T00:00:00', '2020-07-01', '11:00:00'); INSERT INTO s VALUES (2, '2021-07-01T00:00:00', '2020-07-01', '11:00:00');
ASSERT VALUES o (k) VALUES (1);

--@test: rowtime comparisons in where and select aliasing ROWTIME
CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='s', FORMAT='JSON', PARTITIONS=1);
CREATE STREAM o AS SELECT k, ROWTIME AS ts, TIMESTAMPTOSTRING(ROWTIME, 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC') AS st, STRINGTOTIMESTAMP('2020-01-01', 'yyyy-MM-dd', 'UTC') AS c FROM s WHERE ROWTIME > '1970-01-01T00:00:00';
INSERT INTO s (ROWTIME, k, v) VALUES (1500, 1, 1);
ASSERT VALUES o (k, ts, st, c) VALUES (1, 1500, '1970-01-01 00:00:01.500', 1577836800000);
