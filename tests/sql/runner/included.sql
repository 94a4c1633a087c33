INSERT INTO s (k, a) VALUES ('from a file', 7);
