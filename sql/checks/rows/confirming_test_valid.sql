-- Looks of the confirming test that are out of order or cannot be; one row per look.
WITH {common_tables}

SELECT look, information, z_bound, p_bound, alpha_spent
FROM looks
WHERE is_wrong = 1
ORDER BY look ASC
