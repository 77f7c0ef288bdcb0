-- How many rows of features are repeated or impossible; one row.
WITH placed AS (
    SELECT
        session_id,
        feature_set,
        predicted_after_s,
        n_events,
        seen_s,
        view_share,
        funnel_share,
        user_visits_before,
        user_events_before,
        CASE WHEN COUNT(*) OVER (PARTITION BY session_id, feature_set) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                session_id IS NULL OR feature_set NOT IN ('early', 'full') OR is_converted IS NULL
                OR n_events IS NULL OR n_events < 1
                OR n_views + n_carts < 0 OR n_views > n_events OR n_carts > n_events
                OR view_share < 0 OR view_share > 1 OR funnel_share < 0 OR funnel_share > 1
                OR main_category_share < 0 OR main_category_share > 1
                OR start_hour < 0 OR start_hour > 23 OR start_weekday < 0 OR start_weekday > 6
                OR seen_s < 0 OR predicted_after_s IS NULL OR seen_s > predicted_after_s
                OR user_visits_before IS NULL OR user_visits_before < 0 OR user_visits_before > user_events_before
                OR since_last_event_h < 0
                THEN 1
            ELSE 0
        END AS is_impossible
    FROM session_features
    WHERE window_start = :window_start
)

SELECT
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_impossible), 0) AS n_impossible
FROM placed
