-- Traits that are none of the window before; one row each.
WITH {common_tables}

SELECT trait, trait_identity, previous_window, size_share
FROM compared
WHERE is_new = 1
ORDER BY trait ASC
