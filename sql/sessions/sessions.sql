-- Sessions that begin in the window, of all users, with their label; one row per session.
-- n_no_funnel counts what a model that sees no funnel may read: events before the conversion and outside the funnel.
-- May be computed in parts, by session_id of session_events.
WITH conversions AS (
    SELECT
        session_events.session_id AS session_id,
        MIN(session_events.event_index) AS conversion_event_index,
        MIN(session_events.event_at) AS converted_at
    FROM session_events
    INNER JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE session_events.window_start = :window_start AND event_roles.is_conversion
    GROUP BY session_events.session_id
),

counted AS (
    SELECT
        session_events.session_id AS session_id,
        MIN(session_events.user_id) AS user_id,
        MIN(session_events.device_id) AS device_id,
        MIN(session_events.event_at) AS started_at,
        MAX(session_events.event_at) AS ended_at,
        COUNT(*) AS n_events,
        COUNT(CASE WHEN session_events.event_at >= :window_end THEN 1 END) AS n_events_outside_window,
        COUNT(
            CASE
                WHEN
                    NOT COALESCE(event_roles.is_funnel, FALSE)
                    AND (
                        conversions.conversion_event_index IS NULL
                        OR session_events.event_index < conversions.conversion_event_index
                    )
                    THEN 1
            END
        ) AS n_no_funnel,
        MIN(conversions.conversion_event_index) AS conversion_event_index,
        MIN(conversions.converted_at) AS converted_at
    FROM session_events
    LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
    LEFT JOIN conversions ON session_events.session_id = conversions.session_id
    WHERE session_events.window_start = :window_start
    GROUP BY session_events.session_id
)

SELECT
    :window_start AS window_start,
    session_id,
    user_id,
    device_id,
    CAST(CONVERT_TIMEZONE('UTC', :time_zone, started_at) AS DATE) AS local_date,
    started_at,
    ended_at,
    n_events,
    n_events_outside_window,
    conversion_event_index IS NOT NULL AS is_converted,
    converted_at,
    conversion_event_index,
    -- The rate is over the session's length, at least one minute.
    n_events > :bot_max_events
    OR n_events > :bot_max_events_per_minute
    AND n_events * 60000000 > :bot_max_events_per_minute * DATEDIFF('microsecond', started_at, ended_at) AS is_bot,
    -- Open when observation ended: one more event could still have belonged to it.
    DATEDIFF('microsecond', ended_at, :observation_end) <= :inactivity_us
    AND DATEDIFF('microsecond', started_at, :observation_end) <= :max_session_us AS is_censored,
    n_no_funnel
FROM counted
