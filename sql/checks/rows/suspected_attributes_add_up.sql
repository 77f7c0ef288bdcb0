-- Rows about suspected attributes that are repeated, impossible, or of other sessions than there are; one row each.
WITH {common_tables}

SELECT attribute, part, n_rows, n_sessions, counted_sessions, n_converted, counted_converted
FROM compared
WHERE n_rows > 1 OR is_wrong = 1
ORDER BY attribute ASC, part ASC
