-- Position bins that are not published once, or with other figures than the statistics have; one row per position bin.
WITH {common_tables}

SELECT bin_order, n_published, n_expected, is_different
FROM compared
WHERE n_published <> 1 OR n_expected <> 1 OR is_different = 1
ORDER BY bin_order ASC
