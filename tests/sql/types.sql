-- Types: arithmetic and its result types, exact decimals, casts, dates and times, bytes, nested values.
CREATE STREAM s (k STRING KEY, i INT, l BIGINT, d DOUBLE, x DECIMAL(6, 2), y DECIMAL(4, 1), t STRING, day DATE, moment TIMESTAMP, clock TIME, raw BYTES)
  WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: result types of arithmetic
CREATE STREAM out AS SELECT k, i + i AS ii, i + l AS il, l * d AS ld, x + i AS xi, x * y AS xy, i / 2 AS half, i % 3 AS rest FROM s;
INSERT INTO s (k, i, l, d, x, y) VALUES ('a', 7, 10, 1.5, 12.34, 2.5);
ASSERT VALUES out (k, ii, il, ld, half, rest) VALUES ('a', 14, 17, 15.0, 3, 1);
ASSERT STREAM out (k STRING KEY, ii INT, il BIGINT, ld DOUBLE, xi DECIMAL(13, 2), xy DECIMAL(11, 3), half INT, rest INT) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='JSON');

--@test: decimals are exact
CREATE STREAM out AS SELECT k, x + y AS plus, x * y AS times, x - y AS minus FROM s;
CREATE STREAM bytes (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='OUT', VALUE_FORMAT='KAFKA');
INSERT INTO s (k, x, y) VALUES ('a', 0.10, 0.2);
INSERT INTO s (k, x, y) VALUES ('b', 9999.99, 999.9);
ASSERT VALUES bytes (k, v) VALUES ('a', '{"PLUS":0.30,"TIMES":0.020,"MINUS":-0.10}');
ASSERT VALUES bytes (k, v) VALUES ('b', '{"PLUS":10999.89,"TIMES":9998990.001,"MINUS":9000.09}');

--@test: integers wrap around, as the dialect has it
CREATE STREAM out AS SELECT k, i + 1 AS n FROM s;
INSERT INTO s (k, i) VALUES ('a', 2147483647);
ASSERT VALUES out (k, n) VALUES ('a', -2147483648);

--@test: casts
CREATE STREAM out AS SELECT k, CAST(d AS INT) AS whole, CAST(i AS DOUBLE) AS dbl, CAST(d AS STRING) AS txt, CAST(t AS BOOLEAN) AS b,
  CAST(i AS DECIMAL(4, 1)) AS de FROM s;
INSERT INTO s (k, i, d, t) VALUES ('a', 3, -2.9, 'true');
INSERT INTO s (k, i, d, t) VALUES ('b', 3, 10000000.0, 'no');
ASSERT VALUES out (k, whole, dbl, txt, b, de) VALUES ('a', -2, 3.0, '-2.9', true, 3.0);
ASSERT VALUES out (k, whole, dbl, txt, b, de) VALUES ('b', 10000000, 3.0, '1.0E7', false, 3.0);

--@test: dates and times
CREATE STREAM out AS SELECT k, DATEADD(DAYS, 1, day) AS next_day, TIMESTAMPADD(HOURS, 2, moment) AS later, FORMAT_DATE(day, 'dd.MM.yyyy') AS shown,
  CAST(moment AS DATE) AS just_day, clock > '12:00:00' AS afternoon FROM s;
INSERT INTO s (k, day, moment, clock) VALUES ('a', '2024-02-28', '2024-02-28T23:30:00', '12:00:01');
ASSERT VALUES out (k, next_day, later, shown, just_day, afternoon) VALUES ('a', '2024-02-29', '2024-02-29T01:30:00', '28.02.2024', '2024-02-28', true);

--@test: bytes
CREATE STREAM out AS SELECT k, FROM_BYTES(raw, 'ascii') AS txt, TO_BYTES(t, 'utf8') AS b, LEN(raw) AS n FROM s;
INSERT INTO s (k, raw, t) VALUES ('a', TO_BYTES('68656c6c6f', 'hex'), 'hi');
ASSERT VALUES out (k, txt, b, n) VALUES ('a', 'hello', TO_BYTES('hi', 'utf8'), 5);

--@test: text beyond ASCII is counted and cut by character
CREATE STREAM out AS SELECT k, LEN(t) AS n, SUBSTRING(t, 2, 2) AS mid, UCASE(t) AS up FROM s;
INSERT INTO s (k, t) VALUES ('a', 'äöü');
ASSERT VALUES out (k, n, mid, up) VALUES ('a', 3, 'öü', 'ÄÖÜ');

--@test: nested values travel whole
CREATE STREAM n (k STRING KEY, v ARRAY<STRUCT<name STRING, scores MAP<STRING, ARRAY<INT>>>>) WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, v, v[1]->scores['math'][2] AS second FROM n;
INSERT INTO n (k, v) VALUES ('a', ARRAY[STRUCT(name := 'ann', scores := MAP('math' := ARRAY[1, 2, 3]))]);
ASSERT VALUES out (k, v, second) VALUES ('a', ARRAY[STRUCT(name := 'ann', scores := MAP('math' := ARRAY[1, 2, 3]))], 2);

--@test: lambdas
CREATE STREAM n (k STRING KEY, v ARRAY<INT>) WITH (KAFKA_TOPIC='n', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT k, TRANSFORM(v, e => e * 2) AS doubled, FILTER(v, e => e > 1) AS big, REDUCE(v, 0, (sum, e) => sum + e) AS total FROM n;
INSERT INTO n (k, v) VALUES ('a', ARRAY[1, 2, 3]);
ASSERT VALUES out (k, doubled, big, total) VALUES ('a', ARRAY[2, 4, 6], ARRAY[2, 3], 6);

--@test: a decimal that does not fit its column is a bad record
CREATE STREAM r (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA');
CREATE STREAM out AS SELECT k, x FROM s;
INSERT INTO r (k, v) VALUES ('a', '{"X": 12345.67}');
INSERT INTO r (k, v) VALUES ('b', '{"X": 1234.5}');
ASSERT VALUES out (k, x) VALUES ('b', 1234.50);

--@test: a field that the column does not have is dropped, one that is missing is NULL
CREATE STREAM st (k STRING KEY, v STRUCT<src STRING, dst STRUCT<x INT, y INT>>, l ARRAY<STRUCT<a INT, b STRING>>) WITH (KAFKA_TOPIC='st', VALUE_FORMAT='JSON');
INSERT INTO st (k, v, l) VALUES ('a', STRUCT(src := 'a', srcc := 'typo', dst := STRUCT(x := 1, z := 2)), ARRAY[STRUCT(a := 1, c := true)]);
INSERT INTO st (k, v) VALUES ('b', STRUCT(other := 1));
CREATE STREAM bytes (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='st', VALUE_FORMAT='KAFKA');
ASSERT VALUES bytes (k, v) VALUES ('a', '{"V":{"SRC":"a","DST":{"X":1,"Y":null}},"L":[{"A":1,"B":null}]}');
ASSERT VALUES bytes (k, v) VALUES ('b', '{"V":{"SRC":null,"DST":null},"L":null}');

--@test: a day that its month lacks is no date
CREATE STREAM out AS SELECT k, CAST(t AS DATE) AS d, CAST(t AS TIMESTAMP) AS ts FROM s;
INSERT INTO s (k, t) VALUES ('a', '2021-02-30');
INSERT INTO s (k, t) VALUES ('b', '2024-02-29');
ASSERT VALUES out (k, d, ts) VALUES ('a', NULL, NULL);
ASSERT VALUES out (k, d, ts) VALUES ('b', '2024-02-29', '2024-02-29T00:00:00.000');

--@test: nor may one be inserted
--@expected.error: plan
--@expected.message: Expected type DATE for field DAY but got STRING(2021-04-31)
INSERT INTO s (k, day) VALUES ('a', '2021-04-31');

--@test: names of zones, in full
CREATE STREAM out AS SELECT k, FORMAT_TIMESTAMP(moment, 'HH:mm zzzz', 'Europe/London') AS london,
  PARSE_TIMESTAMP(t, 'yyyy-MM-dd HH:mm zzzz') AS read, PARSE_TIMESTAMP(t, 'dd-MMM-yy HH.mm a') AS twice FROM s;
INSERT INTO s (k, moment, t) VALUES ('a', '2021-07-01T12:00:00', '2021-01-05 10:00 Eastern Standard Time');
INSERT INTO s (k, moment, t) VALUES ('b', '2021-01-01T12:00:00', '13-May-20 19.29 AM');
INSERT INTO s (k, t) VALUES ('c', '13-May-20 19.29 PM');
ASSERT VALUES out (k, london, read, twice) VALUES ('a', '13:00 British Summer Time', '2021-01-05T15:00:00', NULL);
ASSERT VALUES out (k, london, read, twice) VALUES ('b', '12:00 Greenwich Mean Time', NULL, NULL);
ASSERT VALUES out (k, london, read, twice) VALUES ('c', NULL, NULL, '2020-05-13T19:29:00');
