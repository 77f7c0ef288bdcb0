-- Later sessions that are not predicted exactly once, or with an impossible figure; one row each.
WITH {common_tables}

SELECT session_id, n_known, n_predicted, label, predicted_label, is_impossible
FROM compared
WHERE n_known <> 1 OR n_predicted <> 1 OR label <> predicted_label OR is_impossible > 0
ORDER BY session_id ASC
