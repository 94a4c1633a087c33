SELECT device, reports FROM devices;
SELECT * FROM nearby;
