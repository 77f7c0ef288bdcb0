-- How far the mix of event types is from that of the explained windows before: the population stability index, with
-- shares below .0001 counted as that; NULL without a window before; one row.
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
        (now_bounded - before_bounded) * LN(now_bounded / before_bounded) AS part
    FROM shares
),

total AS (
    SELECT COUNT(*) AS n_event_types, SUM(part) AS population_stability
    FROM parts
)

SELECT n_event_types, population_stability
FROM total
