-- Effect of each event type; one row per window, variant and event type.
SELECT
    window_start,
    '{variant}' AS variant,
    event_type,
    attribution_lift,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    signal_strength,
    occurrences,
    users,
    has_minimum_support
FROM transformer_event_attribution_{variant}_history
