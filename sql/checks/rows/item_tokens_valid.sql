-- Tokens and profiles that can't be; one row each.
WITH {common_tables}

SELECT name, occurrences AS figure FROM tokens WHERE is_wrong = 1
UNION ALL
SELECT name, hit_rate_10 AS figure FROM profiles WHERE is_wrong = 1
ORDER BY name ASC
