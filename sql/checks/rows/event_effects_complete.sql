-- Impressions with several effects or one that can't be, and dimensions that count others; one row each.
WITH {common_tables}

SELECT journey_id, exposure, effect_dropped, probability, CAST(NULL AS VARCHAR) AS dimension
FROM judged
WHERE is_repeated + is_out_of_range > 0
UNION ALL
SELECT NULL AS journey_id, NULL AS exposure, NULL AS effect_dropped, NULL AS probability, dimension
FROM miscounted
ORDER BY journey_id ASC, exposure ASC, dimension ASC
