-- Sessions that have not as many rows as they say they have events, or are none that were to be explained; one row each.
-- None of them, and yet different counts: then whole sessions are missing, or the fault lies in the tensors.
WITH per_session AS (
    SELECT session_id, COUNT(*) AS n_rows, MIN(n_events) AS n_events, MAX(n_events) AS most_events
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start
    GROUP BY session_id
)

SELECT
    per_session.session_id AS session_id,
    per_session.n_rows AS n_rows,
    per_session.n_events AS n_events,
    CASE WHEN risk_set.session_id IS NULL THEN 0 ELSE 1 END AS is_known
FROM per_session
LEFT JOIN risk_set
    ON per_session.session_id = risk_set.session_id AND risk_set.window_start = :window_start
WHERE
    per_session.n_rows <> per_session.n_events
    OR per_session.n_events <> per_session.most_events
    OR risk_set.session_id IS NULL
ORDER BY per_session.session_id ASC
