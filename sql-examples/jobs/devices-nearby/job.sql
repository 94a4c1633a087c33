-- The latest position of each device, and which of them are within ten kilometres of a place (Berlin, Alexanderplatz).
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM positions (device STRING KEY, lat DOUBLE, lon DOUBLE, ts BIGINT)
    WITH (kafka_topic = 'positions', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE devices AS
    SELECT device, LATEST_BY_OFFSET(lat) AS lat, LATEST_BY_OFFSET(lon) AS lon, COUNT(*) AS reports
    FROM positions GROUP BY device EMIT CHANGES;

CREATE TABLE nearby AS
    SELECT device, ROUND(GEO_DISTANCE(lat, lon, 52.5219, 13.4132, 'km'), 1) AS km
    FROM devices WHERE GEO_DISTANCE(lat, lon, 52.5219, 13.4132, 'km') < 10 EMIT CHANGES;
