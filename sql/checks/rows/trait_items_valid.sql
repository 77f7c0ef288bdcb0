-- Items and examples of traits that can't be; one row each.
WITH {common_tables}

SELECT trait, name, figure FROM items WHERE is_wrong = 1
UNION ALL
SELECT trait, name, figure FROM examples WHERE is_wrong = 1
ORDER BY trait ASC, name ASC
