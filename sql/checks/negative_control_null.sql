-- How many estimates that trust a design rule zero out for the negative control; one row.
WITH judged AS (
    SELECT
        campaign_id,
        estimator,
        purchases_added,
        effect_low,
        effect_high,
        CASE WHEN effect_low > 0 OR effect_high < 0 THEN 1 ELSE 0 END AS is_not_null
    FROM ad_increments
    WHERE
        window_start = :window_start AND is_negative_control
        AND estimator IN ('doubly_robust', 'lost_auctions')
)

SELECT COUNT(*) AS n_estimates, COALESCE(SUM(is_not_null), 0) AS n_not_null
FROM judged
