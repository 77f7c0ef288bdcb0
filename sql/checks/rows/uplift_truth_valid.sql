-- Figures against the truth that occur twice or cannot be; one row per figure.
WITH {common_tables}

SELECT figure, value, of_average, meaning
FROM figures
WHERE place > 1 OR is_wrong = 1
ORDER BY figure ASC, place ASC
