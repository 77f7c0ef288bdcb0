-- Purchases that rules of credit hand out, beside those that were added; one row per rule and campaign.
SELECT
    credit.rule,
    credit.campaign_id,
    credit.purchases,
    added.purchases_added
FROM campaign_credit_history AS credit
LEFT JOIN ad_counterfactuals_history AS added
    ON added.window_start = credit.window_start
    AND added.campaign_id = credit.campaign_id
WHERE credit.window_start = :window_start
ORDER BY credit.rule, credit.purchases DESC, credit.campaign_id
