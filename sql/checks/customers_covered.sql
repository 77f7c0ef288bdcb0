-- What share of events has a vector of its own or of its category; one row.
WITH covered AS (
    SELECT user_id, n_events, known_share, category_share, n_events * (known_share + category_share) AS n_covered
    FROM customer_embeddings
    WHERE window_start = :window_start
)

SELECT SUM(n_covered) / SUM(n_events) AS covered_share
FROM covered
