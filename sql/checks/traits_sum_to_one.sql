-- How many customers lack traits, have them without an embedding, or have weights that can't be; one row.
WITH summed AS (
    SELECT
        user_id,
        SUM(weight) AS total,
        MIN(weight) AS smallest,
        MAX(weight) AS largest,
        MAX(CASE WHEN is_dominant THEN weight END) AS dominant,
        SUM(CASE WHEN is_dominant THEN 1 ELSE 0 END) AS n_dominant,
        COUNT(*) - COUNT(DISTINCT trait) AS n_repeated
    FROM customer_traits
    WHERE window_start = :window_start
    GROUP BY user_id
),

embedded AS (
    SELECT user_id
    FROM customer_embeddings
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        COALESCE(summed.user_id, embedded.user_id) AS user_id,
        summed.total AS total,
        summed.smallest AS smallest,
        summed.n_dominant AS n_dominant,
        CASE
            WHEN
                embedded.user_id IS NOT NULL
                AND ABS(summed.total - 1) <= :rounding
                AND summed.smallest > 0
                AND summed.n_dominant = 1
                AND summed.dominant = summed.largest
                AND summed.n_repeated = 0
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM summed
    FULL OUTER JOIN embedded ON summed.user_id = embedded.user_id
)

SELECT COUNT(*) AS n_customers, COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
