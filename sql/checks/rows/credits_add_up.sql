-- All campaigns' credit where it does not add up, with what is wrong of each; one row per campaign.
WITH {common_tables}

SELECT campaign_id, purchases_added, effect_low, effect_high, is_repeated, is_wrong
FROM judged
ORDER BY campaign_id ASC
