-- Customers whose traits can't be; one row each.
WITH {common_tables}

SELECT user_id, total, smallest, n_dominant
FROM judged
WHERE is_wrong = 1
ORDER BY user_id ASC
