-- Windowed aggregation: the windows of a record, late records, sessions that grow and merge, results only once.
CREATE STREAM hits (page STRING KEY, ms INT) WITH (KAFKA_TOPIC='hits', VALUE_FORMAT='JSON');

--@test: tumbling: every record in one window
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page;
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 1, 0);
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 1, 9999);
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 1, 10000);
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 1, 5000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n, ROWTIME) VALUES ('a', 0, 10000, 1, 0);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n, ROWTIME) VALUES ('a', 0, 10000, 2, 9999);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n, ROWTIME) VALUES ('a', 10000, 20000, 1, 10000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n, ROWTIME) VALUES ('a', 0, 10000, 3, 9999);

--@test: hopping: every record in several
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 7000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 12000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 0, 10000, 1);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 5000, 15000, 1);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 5000, 15000, 2);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 10000, 20000, 1);

--@test: the first windows do not begin before the epoch
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 1000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 0, 10000, 1);

--@test: grace: a record that is too late is dropped, one in time is not
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 1000);
INSERT INTO hits (page, ROWTIME) VALUES ('b', 14999);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 2000);
INSERT INTO hits (page, ROWTIME) VALUES ('b', 15000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 3000);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('b', 10000, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 2);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('b', 10000, 2);

--@test: session: grows, then merges with its neighbour
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW SESSION (10 SECONDS) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 0);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 20000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 14000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 0, 0, 1);
ASSERT NULL VALUES t (page) KEY ('a');
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 0, 6000, 2);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 20000, 20000, 1);
ASSERT NULL VALUES t (page) KEY ('a');
ASSERT NULL VALUES t (page) KEY ('a');
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 0, 20000, 4);

--@test: window bounds as values
CREATE TABLE t AS SELECT page, WINDOWSTART AS ws, WINDOWEND AS we, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 61000);
ASSERT VALUES t (page, ws, we, n) VALUES ('a', 60000, 120000, 1);

--@test: EMIT FINAL: a window once, when nothing can change it any more
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY page EMIT FINAL;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 1000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 2000);
INSERT INTO hits (page, ROWTIME) VALUES ('b', 3000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 14000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 4000);
INSERT INTO hits (page, ROWTIME) VALUES ('c', 15000);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 3);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('b', 0, 1);

--@test: EMIT FINAL: time may jump further than anything is kept
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 5 SECONDS) GROUP BY page EMIT FINAL;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('b', 7000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 86400000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 8000);
INSERT INTO hits (page, ROWTIME) VALUES ('b', 172800000);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('b', 0, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 5000, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('b', 5000, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 86395000, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 86400000, 1);

--@test: EMIT FINAL as Kafka Streams does it, when asked for: what lies beyond the retention is lost
SET 'ksql.streams.__emit.interval.ms.kstreams.windowed.aggregation__' = '0';
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page EMIT FINAL;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 12000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 86400000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 86410000);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 1);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 86400000, 1);

--@test: EMIT FINAL: with a grace period as long as time itself no window ever closes
--@expected.empty: T
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 8 HOURS, GRACE PERIOD 106751991167 DAYS) GROUP BY page EMIT FINAL;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 86400000);

--@test: EMIT FINAL: with a grace period as long as time itself no session ever closes
--@expected.empty: T
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW SESSION (8 HOURS, GRACE PERIOD 106751991167 DAYS) GROUP BY page EMIT FINAL;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 86400000);

--@test: with a grace period as long as time itself nothing is late for its session
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW SESSION (8 HOURS, GRACE PERIOD 106751991167 DAYS) GROUP BY page;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 6000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 2000);
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 6000, 6000, 1);
ASSERT NULL VALUES t (page) KEY ('a');
ASSERT VALUES t (page, WINDOWSTART, WINDOWEND, n) VALUES ('a', 2000, 6000, 2);

--@test: HAVING over windows
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page HAVING COUNT(*) > 1;
INSERT INTO hits (page, ROWTIME) VALUES ('a', 1000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 11000);
INSERT INTO hits (page, ROWTIME) VALUES ('a', 2000);
ASSERT VALUES t (page, WINDOWSTART, n) VALUES ('a', 0, 2);

--@test: groups of different keys do not meet
CREATE TABLE t AS SELECT page, SUM(ms) AS spent FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page;
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 5, 1000);
INSERT INTO hits (page, ms, ROWTIME) VALUES ('b', 7, 1000);
INSERT INTO hits (page, ms, ROWTIME) VALUES ('a', 6, 1000);
ASSERT VALUES t (page, WINDOWSTART, spent) VALUES ('a', 0, 5);
ASSERT VALUES t (page, WINDOWSTART, spent) VALUES ('b', 0, 7);
ASSERT VALUES t (page, WINDOWSTART, spent) VALUES ('a', 0, 11);

--@test: a window needs a group
--@expected.error: plan
--@expected.message: WINDOW clause requires a GROUP BY clause.
CREATE TABLE t AS SELECT page, ms FROM hits WINDOW TUMBLING (SIZE 1 SECOND);

--@test: EMIT FINAL needs a window
--@expected.error: plan
--@expected.message: EMIT FINAL is only supported for windowed aggregations.
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits GROUP BY page EMIT FINAL;

--@test: bounds exist after the windows are made
--@expected.error: plan
--@expected.message: Window bounds column WINDOWSTART can only be used in the SELECT clause of windowed aggregations
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 1 SECOND) GROUP BY page HAVING WINDOWSTART > 0;

--@test: nobody inserts into windows
--@expected.error: plan
--@expected.message: Cannot insert values into windowed stream/table!
CREATE TABLE t AS SELECT page, COUNT(*) AS n FROM hits WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY page;
INSERT INTO t (page, n) VALUES ('a', 1);
