-- Effect of each event type with its interval under this model and over other trainings; one row per event type.
SELECT
    effect.event_type,
    effect.mean_centred_effect,
    effect.effect_low,
    effect.effect_high,
    spread.retraining_low,
    spread.retraining_high,
    spread.retraining_q,
    effect.q_value,
    effect.signal_strength,
    effect.attribution_lift,
    effect.occurrences,
    effect.sessions,
    effect.users,
    effect.is_funnel,
    effect.has_minimum_support,
    effect.driver_rank
FROM transformer_event_attribution_{variant}_history AS effect
LEFT JOIN attribution_spread_{variant}_history AS spread
    ON spread.window_start = effect.window_start
    AND spread.granularity = 'event_type'
    AND spread.name = effect.event_type
WHERE effect.window_start = :window_start
ORDER BY effect.mean_centred_effect DESC NULLS LAST, effect.event_type
