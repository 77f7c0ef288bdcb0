-- Customers whose embedding can't be; one row each.
WITH {common_tables}

SELECT user_id, n_events, known_share
FROM judged
WHERE is_wrong = 1
ORDER BY user_id ASC
