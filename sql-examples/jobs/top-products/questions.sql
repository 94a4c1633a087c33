SELECT category, WINDOWSTART, largest, products FROM best WHERE category = 'tea';
SELECT category, WINDOWSTART, sold['p0'] AS p0, sold['p2'] AS p2 FROM best WHERE category = 'cup';
