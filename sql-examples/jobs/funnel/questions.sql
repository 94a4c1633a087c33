SELECT * FROM funnel;
SELECT * FROM furthest WHERE visitor = 'v3';
