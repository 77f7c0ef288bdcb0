-- Effect of each event type at each place in the session; one row per event type and position bin.
SELECT
    event_type,
    position_bin,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    signal_strength,
    occurrences,
    users,
    has_minimum_support,
    bin_order
FROM transformer_event_position_attribution_{variant}_history
WHERE window_start = :window_start
ORDER BY event_type, bin_order
