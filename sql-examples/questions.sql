-- questions.sql - queries to try in the shell: `sluice sql -f sql-examples/questions.sql URL`. Goes on from listings.sql.

SET 'auto.offset.reset' = 'earliest';

-- Pull: the state now, by key; a windowed table answers with a row for each window.
SELECT * FROM views_per_hour WHERE listing_id = 'L-007';

-- A range of windows.
SELECT listing_id, windowstart, views FROM views_per_hour
    WHERE listing_id = 'L-007' AND windowstart >= '2025-03-01T03:00:00';

-- Push: changes as they happen, here the first five.
SELECT listing_id, percent, new_price FROM price_drops EMIT CHANGES LIMIT 5;
