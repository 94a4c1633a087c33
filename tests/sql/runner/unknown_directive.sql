--@test: a directive that there is not
--@expects: nothing
SHOW STREAMS;
