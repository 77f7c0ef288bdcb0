-- Event types that the search for leakage holds not exactly once, miscounts, or gives impossible figures; one row per event type.
WITH seen AS (
    SELECT
        session_events.event_type AS event_type,
        COUNT(DISTINCT session_events.session_id) AS n_sessions
    FROM leakage_moments
    INNER JOIN sessions
        ON leakage_moments.session_id = sessions.session_id AND leakage_moments.window_start = sessions.window_start
    INNER JOIN session_events
        ON sessions.session_id = session_events.session_id AND sessions.window_start = session_events.window_start
    WHERE
        leakage_moments.window_start = :window_start
        AND session_events.event_index < COALESCE(sessions.conversion_event_index, leakage_moments.cut_at + 1)
    GROUP BY session_events.event_type
),

said AS (
    SELECT
        suspected_leakage.event_type AS event_type,
        COUNT(*) AS n_rows,
        MAX(suspected_leakage.sessions) AS n_sessions,
        SUM(
            CASE
                WHEN rate_low > conversion_rate_present OR rate_high < conversion_rate_present
                OR conversion_rate_present < 0 OR conversion_rate_present > 1
                OR auc_low > auc_alone OR auc_high < auc_alone OR auc_alone < 0 OR auc_alone > 1
                OR odds_low > odds_near OR odds_high < odds_near OR odds_near < 0
                OR near_converted < 0 OR near_converted > 1 OR near_other < 0 OR near_other > 1
                OR is_suspected IS NULL OR reason IS NULL OR converted_sessions > suspected_leakage.sessions
                    THEN 1
                ELSE 0
            END
        ) AS n_impossible
    FROM suspected_leakage
    WHERE window_start = :window_start
    GROUP BY suspected_leakage.event_type
)

SELECT
    COALESCE(seen.event_type, said.event_type) AS event_type,
    said.n_rows AS n_rows,
    seen.n_sessions AS counted_sessions,
    said.n_sessions AS said_sessions,
    said.n_impossible AS n_impossible
FROM seen
FULL OUTER JOIN said ON seen.event_type = said.event_type
WHERE
    seen.event_type IS NULL OR said.event_type IS NULL OR said.n_rows <> 1
    OR seen.n_sessions <> said.n_sessions OR said.n_impossible > 0
ORDER BY event_type
