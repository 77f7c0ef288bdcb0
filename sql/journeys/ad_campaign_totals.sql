-- Impressions of the window and what they cost, by campaign; one row per campaign.
WITH shown AS (
    SELECT
        CASE :campaign_column
            WHEN 'primary_tag' THEN primary_tag
            WHEN 'discovery_feature' THEN discovery_feature
            WHEN 'store_id' THEN store_id
            WHEN 'ad_id' THEN ad_id
        END AS campaign_id,
        price_usd AS cost_usd
    FROM stg_events
    WHERE
        window_start = :window_start AND window_side = 0 AND rejection IS NULL AND event_type = :impression_type
)

SELECT
    COALESCE(campaign_id, '(no campaign)') AS campaign_id,
    COUNT(*) AS impressions,
    SUM(cost_usd) AS cost_usd
FROM shown
GROUP BY COALESCE(campaign_id, '(no campaign)')
ORDER BY campaign_id ASC
