SELECT * FROM accounts;
SELECT * FROM plans;
