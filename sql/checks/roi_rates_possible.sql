-- Rates behind the curve of ROI: how many, how many can't be rates, and shares of the curve that were not measured; one row.
WITH judged AS (
    SELECT
        replicate,
        targeted_share,
        treated_rate,
        control_rate,
        CASE
            WHEN targeted_share <= 0 OR targeted_share > 1 THEN 1
            WHEN treated_rate < 0 OR treated_rate > 1 OR control_rate < 0 OR control_rate > 1 THEN 1
            ELSE 0
        END AS is_wrong
    FROM roi_rates
    WHERE window_start = :window_start
),

measured AS (
    SELECT roi_simulation.targeted_share, COUNT(judged.replicate) AS times
    FROM roi_simulation
    LEFT JOIN judged ON roi_simulation.targeted_share = judged.targeted_share AND judged.replicate = 0
    WHERE roi_simulation.window_start = :window_start
    GROUP BY roi_simulation.targeted_share
)

SELECT
    COUNT(*) AS n_rates,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    (SELECT COUNT(*) FROM measured WHERE times <> 1) AS n_not_measured
FROM judged
