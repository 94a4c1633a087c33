SELECT visitor, clicks, pages, duration FROM visits WHERE visitor = 'ann';
SELECT visitor, clicks, duration FROM visits WHERE visitor = 'bob';
