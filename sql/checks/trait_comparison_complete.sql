-- How many defaults the comparison has, how many figures the default, and how many figures can't be; one row.
WITH judged AS (
    SELECT
        option,
        traits,
        metric,
        value,
        is_default,
        CASE
            WHEN
                COUNT(*) OVER (PARTITION BY option, traits, metric) > 1
                OR (metric <> 'purchase' AND value IS NULL)
                OR (metric IN ('purchase', 'other_half', 'stability') AND NOT COALESCE(value, 0.5) BETWEEN 0 AND 1.000001)
                OR (metric IN ('reconstruction', 'coherence') AND NOT COALESCE(value, 0) <= 1.000001)
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM trait_comparison
    WHERE window_start = :window_start
)

SELECT
    COUNT(DISTINCT CASE WHEN is_default THEN CONCAT(option, ' ', CAST(traits AS VARCHAR)) END) AS n_defaults,
    COUNT(DISTINCT CASE WHEN is_default THEN metric END) AS n_default_figures,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
