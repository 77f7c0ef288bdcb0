-- By how much the campaigns' credit misses the increment over no ads, and how many rows can't be; one row.
WITH judged AS (
    SELECT
        campaign_id,
        purchases_added,
        effect_low,
        effect_high,
        CASE WHEN COUNT(*) OVER (PARTITION BY campaign_id) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                purchases_added IS NULL OR standard_error IS NULL OR standard_error < 0
                OR NOT purchases_added BETWEEN effect_low AND effect_high
                OR impressions < 0 OR journeys < 0
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM ad_counterfactuals
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    SUM(CASE WHEN campaign_id = '(all ads)' THEN purchases_added ELSE -purchases_added END) AS difference,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
