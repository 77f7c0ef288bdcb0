-- How many pairs of similar customers can't be; one row.
WITH known AS (
    SELECT DISTINCT user_id
    FROM customer_traits
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        similar_customers.user_id AS user_id,
        similar_customers.similar_rank AS similar_rank,
        similar_customers.similar_user_id AS similar_user_id,
        similar_customers.similarity AS similarity,
        CASE
            WHEN
                similar_customers.user_id <> similar_customers.similar_user_id
                AND known.user_id IS NOT NULL
                AND similar_customers.similarity BETWEEN -1 - :rounding AND 1 + :rounding
                AND similar_customers.similarity <= COALESCE(
                    LAG(similar_customers.similarity) OVER (
                        PARTITION BY similar_customers.user_id ORDER BY similar_customers.similar_rank
                    ), 2
                ) + :rounding
                AND COUNT(*) OVER (
                    PARTITION BY similar_customers.user_id, similar_customers.similar_user_id
                ) = 1
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM similar_customers
    LEFT JOIN known ON similar_customers.similar_user_id = known.user_id
    WHERE similar_customers.window_start = :window_start
)

SELECT COUNT(*) AS n_pairs, COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
