-- Sessions that stand twice or lack an attribute; one row per session.
WITH {common_tables}

SELECT session_id, n_rows, n_attributes, n_different, is_converted, is_later
FROM held
WHERE n_rows > 1 OR n_attributes <> :n_attributes OR n_different <> :n_attributes
ORDER BY session_id ASC
