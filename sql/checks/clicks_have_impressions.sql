-- How many clicks have no impression before them in their journey, and how many events lie outside the look-back; one row.
WITH events AS (
    SELECT
        journey_id,
        event_position,
        event_type,
        exposure,
        hours_before,
        MAX(CASE WHEN event_type = 'impression' THEN hours_before END) OVER (
            PARTITION BY journey_id, exposure
        ) AS shown_hours_before
    FROM ad_journey_events
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        events.journey_id,
        events.event_position,
        events.event_type,
        events.hours_before,
        CASE
            WHEN events.shown_hours_before IS NULL OR events.shown_hours_before < events.hours_before THEN 1 ELSE 0
        END AS lacks_impression,
        CASE
            WHEN events.hours_before <= 0 OR events.hours_before > :look_back_hours THEN 1 ELSE 0
        END AS is_outside
    FROM events
)

SELECT
    COUNT(*) AS n_events,
    COALESCE(SUM(lacks_impression), 0) AS n_without_impression,
    COALESCE(SUM(is_outside), 0) AS n_outside_look_back
FROM judged
