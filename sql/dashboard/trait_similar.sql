-- The customers whose traits are most like a customer's; one row per rank.
SELECT
    similar_rank,
    similar_user_id,
    similarity
FROM similar_customers_history
WHERE window_start = :window_start AND user_id = :user_id
ORDER BY similar_rank
