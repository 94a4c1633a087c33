CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: passes
INSERT INTO s (k, a) VALUES ('x', 1);
ASSERT VALUES s (k, a) VALUES ('x', 1);

--@test: another value
INSERT INTO s (k, a) VALUES ('x', 1);
  ASSERT VALUES s (k, a) VALUES ('x', 2);

--@test: one record too many
INSERT INTO s (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('x', 2);
ASSERT VALUES s (k, a) VALUES ('x', 1);

--@test: no error though one is expected
--@expected.error: plan
INSERT INTO s (k, a) VALUES ('x', 1);

--@test: fails too early
--@expected.error: plan
INSERT INTO nowhere (k, a) VALUES ('x', 1);
INSERT INTO s (k, a) VALUES ('x', 1);

--@test: another message
--@expected.message: no such text
INSERT INTO nowhere (k, a) VALUES ('x', 1);

--@test: not empty
--@expected.empty: S
INSERT INTO s (k, a) VALUES ('x', 1);

--@test: ASSERT TABLE of a stream
ASSERT TABLE s WITH (KAFKA_TOPIC='s');

--@test: runs a file that is not there
RUN SCRIPT 'nowhere.sql';

--@test: runs the file beside it
RUN SCRIPT 'included.sql';
ASSERT VALUES s (k, a) VALUES ('from a file', 7);
