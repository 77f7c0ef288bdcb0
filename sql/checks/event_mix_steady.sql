-- How far the mix of event types is from that of the explained windows before: the population stability index, with
-- shares below .0001 counted as that; NULL without a window before; one row.
WITH shares AS (
    SELECT
        CASE WHEN share_of_events > 0.0001 THEN share_of_events ELSE 0.0001 END AS share_now,
        CASE WHEN share_before > 0.0001 THEN share_before ELSE 0.0001 END AS share_before
    FROM attribution_drift_{variant}
    WHERE window_start = :window_start AND share_before IS NOT NULL
)

SELECT
    COUNT(*) AS n_event_types,
    SUM((share_now - share_before) * LN(share_now / share_before)) AS population_stability
FROM shares
