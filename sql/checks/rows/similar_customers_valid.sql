-- Pairs of similar customers that can't be; one row each.
WITH {common_tables}

SELECT user_id, similar_rank, similar_user_id, similarity
FROM judged
WHERE is_wrong = 1
ORDER BY user_id ASC, similar_rank ASC
