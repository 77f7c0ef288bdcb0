-- Units that occur twice for an outcome, lack one, or have two arms; one row per unit.
WITH {common_tables}

SELECT session_id, n_rows, n_outcomes, n_arms, n_happened
FROM units
WHERE n_rows > n_outcomes OR n_outcomes <> :n_outcomes OR n_arms <> 1 OR n_happened < n_rows
ORDER BY session_id ASC
