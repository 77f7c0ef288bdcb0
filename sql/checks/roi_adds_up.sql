-- Shares of the curve, those whose figures contradict each other, and how many are recommended; one row.
WITH shares AS (
    SELECT
        targeted_share,
        incremental_conversions,
        revenue_usd,
        cost_usd,
        profit_usd,
        profit_usd_low,
        profit_usd_high,
        roi,
        is_recommended,
        CASE
            WHEN targeted_share <= 0 OR targeted_share > 1 OR cost_usd < 0 THEN 1
            WHEN ABS(revenue_usd - cost_usd - profit_usd) > 1e-6 * (1 + ABS(revenue_usd) + cost_usd) THEN 1
            WHEN cost_usd > 0 AND (roi IS NULL OR ABS(roi * cost_usd - profit_usd) > 1e-6 * (1 + ABS(profit_usd))) THEN 1
            WHEN profit_usd IS NULL OR profit_usd_low > profit_usd_high THEN 1
            WHEN is_recommended AND profit_usd_low <= 0 THEN 1
            ELSE 0
        END AS is_wrong
    FROM roi_simulation
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_shares,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    COUNT(CASE WHEN is_recommended THEN 1 END) AS n_recommended
FROM shares
