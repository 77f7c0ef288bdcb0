-- Effect of each event type at each place; one row per window, variant, event type and place.
SELECT
    window_start,
    '{variant}' AS variant,
    event_type,
    position_bin,
    bin_order,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    signal_strength,
    occurrences,
    users,
    has_minimum_support
FROM transformer_event_position_attribution_{variant}_history
