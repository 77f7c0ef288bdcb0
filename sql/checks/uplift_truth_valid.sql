-- Figures against the truth that occur twice or cannot be; one row.
WITH figures AS (
    SELECT
        figure,
        value,
        of_average,
        meaning,
        ROW_NUMBER() OVER (PARTITION BY figure ORDER BY value ASC) AS place,
        CASE
            WHEN value IS NULL OR COALESCE(meaning, '') = '' THEN 1
            WHEN figure IN ('pehe', 'policy_regret') AND value < 0 THEN 1
            WHEN figure = 'coverage' AND (value < 0 OR value > 1) THEN 1
            WHEN data = 'real' THEN 1
            ELSE 0
        END AS is_wrong
    FROM uplift_truth
    WHERE window_start = :window_start
)

SELECT
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM figures
