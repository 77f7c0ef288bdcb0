-- How many customers are repeated or impossible, and how many poolings were compared; one row.
WITH judged AS (
    SELECT
        user_id,
        n_events,
        known_share,
        CASE
            WHEN
                COUNT(*) OVER (PARTITION BY user_id) > 1
                OR n_events < 1
                OR embedding IS NULL
                OR NOT COALESCE(known_share, -1) BETWEEN 0 AND 1
                OR NOT COALESCE(known_share + category_share + action_share, -1) BETWEEN 0 AND 1.000001
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM customer_embeddings
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        COUNT(DISTINCT CONCAT(pooling, ' ', task)) AS n_compared,
        COUNT(DISTINCT CASE WHEN is_default THEN pooling END) AS n_defaults,
        COALESCE(SUM(CASE WHEN NOT COALESCE(value, 0.5) BETWEEN 0 AND 1 THEN 1 ELSE 0 END), 0) AS n_out_of_range
    FROM pooling_comparison
    WHERE window_start = :window_start
)

SELECT
    (SELECT COUNT(*) FROM judged) AS n_customers,
    (SELECT COALESCE(SUM(is_wrong), 0) FROM judged) + compared.n_out_of_range AS n_wrong,
    compared.n_compared AS n_compared,
    compared.n_defaults AS n_defaults
FROM compared
