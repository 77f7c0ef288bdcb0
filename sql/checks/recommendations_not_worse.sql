-- The least upper end of the gain over popularity and co-occurrence in NDCG at 10; one row.
WITH gains AS (
    SELECT method, value, gain_low, gain_high
    FROM recommendation_metrics
    WHERE window_start = :window_start AND metric = 'ndcg' AND cutoff = 10 AND method IN ('popularity', 'co_occurrence')
)

SELECT MIN(gain_high) AS least_gain_high
FROM gains
