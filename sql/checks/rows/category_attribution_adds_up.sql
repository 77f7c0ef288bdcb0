-- Categories and tags that are not published once, or with other figures than the statistics have; one row per category and tag.
WITH {common_tables}

SELECT primary_category, primary_tag, n_published, n_expected, is_different
FROM compared
WHERE n_published <> 1 OR n_expected <> 1 OR is_different = 1
ORDER BY primary_category ASC, primary_tag ASC
