-- Mean attribution of an event type in converted and in other sessions, and the mean centred effect that ranks it;
-- one row per event type.
SELECT
    stats.window_start,
    stats.name_1 AS event_type,
    stats.not_converted,
    stats.converted,
    stats.attribution_lift,
    stats.standardised_lift,
    stats.signed_not_converted,
    stats.signed_converted,
    stats.signed_lift,
    stats.centred_not_converted,
    stats.centred_converted,
    stats.centred_lift,
    stats.lift_standard_error,
    stats.lift_p_value,
    stats.relative_not_converted,
    stats.relative_converted,
    stats.relative_lift,
    stats.mean_centred_effect,
    stats.mean_signed_effect,
    stats.standard_error,
    stats.effect_low,
    stats.effect_high,
    stats.p_value,
    stats.q_value,
    stats.signal_strength,
    stats.occurrences,
    stats.sessions,
    stats.users,
    COALESCE(event_roles.is_funnel, FALSE) AS is_funnel,
    stats.has_minimum_support,
    stats.driver_rank
FROM attribution_statistics_{variant} AS stats
LEFT JOIN event_roles ON event_roles.event_type = stats.name_1
WHERE stats.window_start = :window_start AND stats.granularity = 'event_type'
