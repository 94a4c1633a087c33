-- Who may do what: the statements. What they do to those who ask is in tests/integration/grants_test.py, where somebody asks.
CREATE STREAM s (k STRING KEY, a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');

--@test: every form
GRANT SELECT ON s TO reader;
GRANT SELECT, INSERT, CREATE, ALTER, DROP, TERMINATE, DESCRIBE ON `s` TO ROLE writer;
GRANT ALL ON ALL TO USER 'ann@example.org';
GRANT SELECT ON not_there_yet TO reader;
REVOKE INSERT, DROP ON `s` FROM writer;
REVOKE ALL ON ALL FROM USER 'ann@example.org';
REVOKE SELECT ON s FROM somebody;
SHOW GRANTS;

--@test: what the statements are made of are names as before
CREATE STREAM grants (grant STRING KEY, revoke INT, role INT, user STRING) WITH (KAFKA_TOPIC='g', VALUE_FORMAT='JSON');
CREATE STREAM out AS SELECT grant, revoke AS grants, role, user FROM grants;
INSERT INTO grants (grant, revoke, role, user) VALUES ('a', 1, 2, 'x');
ASSERT VALUES out (grant, grants, role, user) VALUES ('a', 1, 2, 'x');

--@test: there is no such privilege
--@expected.error: syntax
--@expected.message: line 3:7: 
GRANT READ ON s TO reader;

--@test: ALL is all of them
--@expected.error: syntax
--@expected.message: line 3:10: 
GRANT ALL, SELECT ON s TO reader;

--@test: somebody has to get it
--@expected.error: syntax
--@expected.message: line 3:18: 
GRANT SELECT ON s;

--@test: from, not to
--@expected.error: syntax
--@expected.message: line 3:20: 
REVOKE SELECT ON s TO reader;

--@test: a role or a user
--@expected.error: syntax
--@expected.message: Privileges are a ROLE's or a USER's, not a groups's
GRANT SELECT ON s TO groups reader;
