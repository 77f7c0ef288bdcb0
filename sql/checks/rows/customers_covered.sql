-- Customers of whom less than the least share is covered, where that is so of all together; one row each.
WITH {common_tables}

SELECT user_id, n_events, known_share, category_share
FROM covered
WHERE n_covered < :covered_share_min * n_events AND (SELECT SUM(n_covered) / SUM(n_events) FROM covered) < :covered_share_min
ORDER BY user_id ASC
