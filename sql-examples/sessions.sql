-- sessions.sql - visits: views of one visitor with no more than ten minutes between them. Goes on from listings.sql.

SET 'auto.offset.reset' = 'earliest';

CREATE TABLE IF NOT EXISTS visits AS
    SELECT visitor, COUNT(*) AS views, SUM(duration) AS duration, COLLECT_SET(listing_id) AS seen
    FROM views WINDOW SESSION (10 MINUTES, RETENTION 7 DAYS, GRACE PERIOD 10 MINUTES)
    GROUP BY visitor
    EMIT CHANGES;
