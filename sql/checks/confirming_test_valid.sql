-- Looks of the confirming test, those out of order, and the alpha that all of them spend; one row.
WITH looks AS (
    SELECT
        look,
        information,
        z_bound,
        p_bound,
        alpha_spent,
        CASE
            WHEN information <= 0 OR information > 1 OR z_bound <= 0 OR p_bound <= 0 OR p_bound >= 1 THEN 1
            WHEN information <= LAG(information) OVER (ORDER BY look ASC) THEN 1
            WHEN z_bound >= LAG(z_bound) OVER (ORDER BY look ASC) THEN 1
            ELSE 0
        END AS is_wrong
    FROM confirming_test
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_looks,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    MAX(alpha_spent) AS alpha_spent
FROM looks
