--@test: an open quote
--@expected.error: syntax
CREATE STREAM a AS SELECT 'open FROM b;

--@test: nobody sees this one
DEFINE a = 'b';
