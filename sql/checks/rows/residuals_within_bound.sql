-- Methods whose attributions miss the sum that they promise; one row each.
WITH {common_tables}

SELECT method, sessions, residual_median, residual_max, share_over_bound
FROM promising
WHERE share_over_bound > 0
ORDER BY method ASC
