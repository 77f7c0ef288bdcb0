-- Campaigns that were explained; one row per campaign.
SELECT
    campaign_id,
    MAX(CASE WHEN is_negative_control THEN 1 ELSE 0 END) = 1 AS is_negative_control
FROM ad_counterfactuals_history
GROUP BY campaign_id
