-- Traits whose profile can't be, and all of them where sizes do not sum to 1; one row each.
WITH {common_tables}

SELECT trait, suggested_name, size_share, customers, counted_customers
FROM judged
WHERE is_wrong = 1 OR customers <> counted_customers OR NOT :size_difference BETWEEN :size_difference_min AND :size_difference_max
ORDER BY trait ASC
