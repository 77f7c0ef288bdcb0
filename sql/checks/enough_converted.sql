-- How many sessions the risk set has, and how many of them converted; one row.
SELECT COUNT(*) AS n_sessions, COUNT(CASE WHEN label = 1 THEN 1 END) AS n_converted
FROM risk_set
WHERE window_start = :window_start AND in_risk_set
