-- Where the window's events went; one row. An event is rejected, or in a session of this window, or of an earlier one.
WITH staged AS (
    SELECT
        COUNT(CASE WHEN window_side = 0 THEN 1 END) AS n_events,
        COUNT(CASE WHEN window_side = 0 AND rejection IS NULL AND chain_started_at < :window_start THEN 1 END) AS n_earlier
    FROM stg_events
    WHERE window_start = :window_start
),

rejected AS (
    SELECT COUNT(*) AS n_rejected FROM rejected_events WHERE window_start = :window_start
),

kept AS (
    SELECT
        COUNT(*) AS n_in_sessions,
        COUNT(CASE WHEN event_at < :window_end THEN 1 END) AS n_here
    FROM session_events
    WHERE window_start = :window_start
),

expected AS (
    SELECT COALESCE(SUM(n_events), 0) AS n_expected_in_sessions FROM sessions WHERE window_start = :window_start
)

SELECT
    staged.n_events AS n_events,
    rejected.n_rejected + staged.n_earlier + kept.n_here AS n_accounted,
    rejected.n_rejected AS n_rejected,
    staged.n_earlier AS n_in_earlier_sessions,
    kept.n_in_sessions AS n_in_sessions,
    expected.n_expected_in_sessions AS n_expected_in_sessions
FROM staged
CROSS JOIN rejected
CROSS JOIN kept
CROSS JOIN expected
