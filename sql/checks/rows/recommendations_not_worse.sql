-- Baselines that are clearly better than the recommendations; one row each.
WITH {common_tables}

SELECT method, value, gain_low, gain_high
FROM gains
WHERE gain_high < :least_gain_high_min
ORDER BY method ASC
