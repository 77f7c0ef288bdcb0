-- Stores and labels that are not published once, or with other figures than the statistics have; one row per store, name and label.
WITH {common_tables}

SELECT store_id, store_name, label, n_published, n_expected, is_different
FROM compared
WHERE n_published <> 1 OR n_expected <> 1 OR is_different = 1
ORDER BY store_id ASC, store_name ASC, label ASC
