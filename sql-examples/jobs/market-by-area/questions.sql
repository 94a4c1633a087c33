SELECT area, WINDOWSTART, sales, average, low, high, moved FROM market WHERE area = 'harbour';
SELECT area, WINDOWSTART, sales FROM market WHERE area = 'north';
