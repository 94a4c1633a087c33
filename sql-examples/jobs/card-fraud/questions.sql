SELECT card, WINDOWSTART, uses, shops, amount FROM suspicious WHERE card = 'K0';
SELECT card FROM suspicious WHERE card = 'K1';
