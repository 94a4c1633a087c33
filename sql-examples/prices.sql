-- prices.sql - a table over a stream of changes: what does it cost now, and how often did that change? Goes on from listings.sql.

SET 'auto.offset.reset' = 'earliest';

CREATE TABLE IF NOT EXISTS price_now AS
    SELECT listing_id,
           LATEST_BY_OFFSET(new_price) AS price,
           EARLIEST_BY_OFFSET(old_price) AS first_price,
           COUNT(*) AS changes
    FROM price_changes
    GROUP BY listing_id
    EMIT CHANGES;
