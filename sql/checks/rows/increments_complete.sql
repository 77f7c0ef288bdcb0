-- Estimates that occur twice or can't be, and bounds that are the wrong way round; one row each.
WITH {common_tables}

SELECT campaign_id, estimator, purchases_added, effect_low, effect_high, CAST(NULL AS DOUBLE) AS tilt
FROM judged
WHERE is_repeated + is_wrong > 0
UNION ALL
SELECT NULL AS campaign_id, NULL AS estimator, NULL AS purchases_added, NULL AS effect_low, NULL AS effect_high, tilt
FROM bounds
ORDER BY campaign_id ASC, estimator ASC, tilt ASC
