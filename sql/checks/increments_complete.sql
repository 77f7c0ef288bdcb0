-- How many estimators there are for all ads, and how many rows occur twice or can't be; one row.
WITH judged AS (
    SELECT
        campaign_id,
        estimator,
        purchases_added,
        effect_low,
        effect_high,
        CASE WHEN COUNT(*) OVER (PARTITION BY campaign_id, estimator) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                purchases_added IS NULL OR standard_error IS NULL OR standard_error < 0
                OR NOT purchases_added BETWEEN effect_low AND effect_high OR trusts IS NULL
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM ad_increments
    WHERE window_start = :window_start
),

bounds AS (
    SELECT tilt
    FROM ad_sensitivity
    WHERE window_start = :window_start AND (lowest IS NULL OR highest IS NULL OR lowest > highest OR tilt < 1)
)

SELECT
    COUNT(CASE WHEN campaign_id = '(all ads)' THEN 1 END) AS n_estimators,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    (SELECT COUNT(*) FROM bounds) AS n_wrong_bounds
FROM judged
