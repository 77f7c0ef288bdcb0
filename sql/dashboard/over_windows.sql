-- Effect of each event type in every published window up to this one; one row per window and event type.
SELECT
    window_start AS window_date,
    event_type,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    occurrences,
    users,
    is_funnel,
    has_minimum_support,
    driver_rank
FROM transformer_event_attribution_{variant}_history
WHERE window_start <= :window_start
ORDER BY event_type, window_date
