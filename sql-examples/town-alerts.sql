-- town-alerts.sql - a stream meets a table: alerts with the town and the title of the listing. Goes on from listings.sql.

SET 'auto.offset.reset' = 'earliest';

CREATE STREAM IF NOT EXISTS town_alerts AS
    SELECT d.listing_id AS listing_id, l.town AS town, l.title AS title, d.new_price AS new_price, d.percent AS percent
    FROM price_drops d JOIN listings l ON d.listing_id = l.listing_id
    EMIT CHANGES;
