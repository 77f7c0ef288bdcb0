-- Estimates that rule zero out for the negative control; one row each.
WITH {common_tables}

SELECT campaign_id, estimator, purchases_added, effect_low, effect_high
FROM judged
WHERE is_not_null = 1
ORDER BY estimator ASC
