-- Event types in the order in which they add to the population stability index, where it is above its bound; one row per event type.
WITH shares AS (
    SELECT
        event_type,
        share_of_events,
        share_before,
        CASE WHEN share_of_events > 0.0001 THEN share_of_events ELSE 0.0001 END AS now_bounded,
        CASE WHEN share_before > 0.0001 THEN share_before ELSE 0.0001 END AS before_bounded
    FROM attribution_drift_{variant}
    WHERE window_start = :window_start AND share_before IS NOT NULL
),

parts AS (
    SELECT
        event_type,
        share_before,
        share_of_events,
        (now_bounded - before_bounded) * LN(now_bounded / before_bounded) AS part,
        SUM((now_bounded - before_bounded) * LN(now_bounded / before_bounded)) OVER () AS population_stability
    FROM shares
)

SELECT event_type, share_before, share_of_events, part
FROM parts
WHERE population_stability > :population_stability_max
ORDER BY part DESC, event_type ASC
