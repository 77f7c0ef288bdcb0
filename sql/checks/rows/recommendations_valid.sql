-- Recommendations that can't be; one row each.
WITH {common_tables}

SELECT user_id, recommendation_rank, product_id
FROM judged
WHERE is_wrong = 1
ORDER BY user_id ASC, recommendation_rank ASC
