-- Sessions that are not scored exactly once, or with an impossible figure; one row each.
WITH {common_tables}

SELECT session_id, n_known, n_scored, label, scored_label, is_impossible
FROM compared
WHERE n_known <> 1 OR n_scored <> 1 OR label <> scored_label OR is_impossible > 0
ORDER BY session_id ASC
