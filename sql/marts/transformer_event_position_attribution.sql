-- Mean attribution of an event type early and late in a session, and the mean centred effect that ranks it; one row per
-- event type and position bin. Bins count from 1; 50+ begins at the 51st event.
SELECT
    stats.window_start,
    stats.name_1 AS event_type,
    CASE stats.name_2
        WHEN '1' THEN '1-5' WHEN '2' THEN '6-10' WHEN '3' THEN '11-20' WHEN '4' THEN '21-50' ELSE '50+'
    END AS position_bin,
    stats.not_converted,
    stats.converted,
    stats.attribution_lift,
    stats.lift_standard_error,
    stats.lift_p_value,
    stats.standardised_lift,
    stats.signed_not_converted,
    stats.signed_converted,
    stats.signed_lift,
    stats.centred_not_converted,
    stats.centred_converted,
    stats.centred_lift,
    stats.relative_not_converted,
    stats.relative_converted,
    stats.relative_lift,
    stats.mean_centred_effect,
    stats.standard_error,
    stats.effect_low,
    stats.effect_high,
    stats.p_value,
    stats.q_value,
    stats.signal_strength,
    stats.occurrences,
    stats.sessions,
    stats.users,
    CAST(stats.name_2 AS INTEGER) AS bin_order,
    COALESCE(event_roles.is_funnel, FALSE) AS is_funnel,
    stats.has_minimum_support,
    stats.driver_rank
FROM attribution_statistics_{variant} AS stats
LEFT JOIN event_roles ON event_roles.event_type = stats.name_1
WHERE stats.window_start = :window_start AND stats.granularity = 'event_position'
