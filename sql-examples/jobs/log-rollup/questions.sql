SELECT service, level, WINDOWSTART, n, slowest, average FROM per_minute WHERE service = 'web' AND level = 'ERROR';
SELECT service, level, WINDOWSTART, n FROM per_minute WHERE service = 'web' AND level = 'INFO';
SELECT * FROM unread;
