-- Effect of an event by its place in the session; one row per window, variant and place.
SELECT
    window_start,
    '{variant}' AS variant,
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
FROM transformer_position_attribution_{variant}_history
