-- The best-selling products of each category and ten minutes: the three largest sales, and which products were sold at all.
SET 'auto.offset.reset' = 'earliest';

CREATE STREAM sales (sale STRING KEY, category STRING, product STRING, units INT, ts BIGINT)
    WITH (kafka_topic = 'sales', value_format = 'JSON', timestamp = 'ts', partitions = 1);

CREATE TABLE best AS
    SELECT category, TOPK(units, 3) AS largest, TOPKDISTINCT(product, 3) AS products, HISTOGRAM(product) AS sold
    FROM sales WINDOW TUMBLING (SIZE 10 MINUTES, RETENTION 1 DAY, GRACE PERIOD 5 MINUTES)
    GROUP BY category EMIT CHANGES;
