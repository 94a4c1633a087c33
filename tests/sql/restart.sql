-- What restarts between records (sql/all/reopen, sql/all/restore) have found.

--@test: a windowed table with several aggregates
CREATE STREAM v (id INT KEY, zip VARCHAR, price DOUBLE) WITH (kafka_topic='v', key_format='KAFKA', value_format='JSON', partitions=1);
CREATE TABLE z AS SELECT zip, COUNT(*) AS n, SUM(price) AS total, MIN(price) AS lo FROM v WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY zip;
INSERT INTO v (ROWTIME, id, zip, price) VALUES (0, 1, 'a', 1.5);
INSERT INTO v (ROWTIME, id, zip, price) VALUES (0, 1, 'a', 2.5);
INSERT INTO v (ROWTIME, id, zip, price) VALUES (0, 1, 'a', 3.5);
INSERT INTO v (ROWTIME, id, zip, price) VALUES (0, 1, 'a', 4.5);
ASSERT VALUES z (zip, n, total, lo) VALUES ('a', 1, 1.5, 1.5);
ASSERT VALUES z (zip, n, total, lo) VALUES ('a', 2, 4.0, 1.5);
ASSERT VALUES z (zip, n, total, lo) VALUES ('a', 3, 7.5, 1.5);
ASSERT VALUES z (zip, n, total, lo) VALUES ('a', 4, 12.0, 1.5);
