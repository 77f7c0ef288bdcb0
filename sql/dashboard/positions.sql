-- Effect of an event by its place in the session; one row per position bin.
SELECT
    effect.position_bin,
    effect.mean_centred_effect,
    effect.effect_low,
    effect.effect_high,
    spread.retraining_low,
    spread.retraining_high,
    spread.retraining_q,
    effect.q_value,
    effect.signal_strength,
    effect.occurrences,
    effect.sessions,
    effect.users,
    effect.has_minimum_support,
    effect.bin_order
FROM transformer_position_attribution_{variant}_history AS effect
LEFT JOIN attribution_spread_{variant}_history AS spread
    ON spread.window_start = effect.window_start
    AND spread.granularity = 'position'
    AND spread.name = effect.position_bin
WHERE effect.window_start = :window_start
ORDER BY effect.bin_order
