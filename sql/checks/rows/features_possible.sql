-- Rows of features that are repeated or impossible; one row each.
WITH {common_tables}

SELECT
    session_id,
    feature_set,
    predicted_after_s,
    n_events,
    seen_s,
    view_share,
    funnel_share,
    user_visits_before,
    user_events_before
FROM placed
WHERE is_repeated = 1 OR is_impossible = 1
ORDER BY session_id ASC, feature_set ASC
