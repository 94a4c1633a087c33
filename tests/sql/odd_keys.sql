-- Keys that formats and topics could lose: empty text beside NULL, zeros of both signs, NaN. With restarts (sql/all/reopen, sql/all/restore)
-- they also cross repartition topics and changelogs.

--@test: an empty text is a group of its own, whatever the key's format
CREATE STREAM s (id INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='DELIMITED', VALUE_FORMAT='JSON');
CREATE TABLE d WITH (KEY_FORMAT='JSON') AS SELECT v, COUNT(*) AS n FROM s GROUP BY v;
INSERT INTO s VALUES (1, '');
INSERT INTO s VALUES (1, 'x');
INSERT INTO s (id) VALUES (1);
INSERT INTO s VALUES (1, '');
ASSERT VALUES d (v, n) VALUES ('', 1);
ASSERT VALUES d (v, n) VALUES ('x', 1);
ASSERT VALUES d (v, n) VALUES ('', 2);

--@test: empty and missing parts of a new key stay apart
CREATE STREAM s (id INT KEY, a VARCHAR, b VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='DELIMITED', VALUE_FORMAT='JSON');
CREATE STREAM p WITH (KEY_FORMAT='JSON') AS SELECT a, b, id FROM s PARTITION BY a, b;
INSERT INTO s VALUES (1, '', 'x');
INSERT INTO s (id, b) VALUES (2, 'x');
INSERT INTO s (id) VALUES (3);
ASSERT VALUES p (a, b, id) VALUES ('', 'x', 1);
ASSERT VALUES p (a, b, id) VALUES (NULL, 'x', 2);
ASSERT VALUES p (a, b, id) VALUES (NULL, NULL, 3);

--@test: a group of two columns, one of them empty
CREATE STREAM s (id INT KEY, a VARCHAR, b VARCHAR) WITH (KAFKA_TOPIC='s', KEY_FORMAT='DELIMITED', VALUE_FORMAT='JSON');
CREATE TABLE d WITH (KEY_FORMAT='JSON') AS SELECT a, b, COUNT(*) AS n FROM s GROUP BY a, b;
INSERT INTO s VALUES (1, '', '');
INSERT INTO s VALUES (1, '', ',');
INSERT INTO s VALUES (1, ',', '');
INSERT INTO s VALUES (1, '', '');
ASSERT VALUES d (a, b, n) VALUES ('', '', 1);
ASSERT VALUES d (a, b, n) VALUES ('', ',', 1);
ASSERT VALUES d (a, b, n) VALUES (',', '', 1);
ASSERT VALUES d (a, b, n) VALUES ('', '', 2);

--@test: NaN and both zeros
CREATE STREAM s (id INT KEY, v DOUBLE, w DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='DELIMITED');
CREATE TABLE d WITH (KEY_FORMAT='DELIMITED', VALUE_FORMAT='DELIMITED') AS SELECT v, COUNT(*) AS n, MAX(w) AS m FROM s GROUP BY v;
CREATE STREAM raw (k VARCHAR KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='KAFKA', KEY_FORMAT='KAFKA');
INSERT INTO raw VALUES ('aaaa', 'NaN,1.0');
INSERT INTO raw VALUES ('aaaa', '-0.0,2.0');
INSERT INTO raw VALUES ('aaaa', '0.0,3.0');
INSERT INTO raw VALUES ('aaaa', 'NaN,4.0');
CREATE STREAM seen (k VARCHAR KEY, v VARCHAR) WITH (KAFKA_TOPIC='D', VALUE_FORMAT='KAFKA', KEY_FORMAT='KAFKA');
ASSERT VALUES seen (k, v) VALUES ('NaN', '1,1.0');
ASSERT VALUES seen (k, v) VALUES ('"-0.0"', '1,2.0');
ASSERT VALUES seen (k, v) VALUES ('0.0', '1,3.0');
ASSERT VALUES seen (k, v) VALUES ('NaN', '2,4.0');
