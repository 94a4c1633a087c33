SELECT * FROM balances;
SELECT * FROM overdrawn;
