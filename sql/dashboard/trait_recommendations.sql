-- What a customer may want next, and why; one row per rank.
SELECT
    recommendation_rank,
    product_id,
    score,
    trait,
    reason
FROM recommendations_history
WHERE window_start = :window_start AND user_id = :user_id
ORDER BY recommendation_rank
