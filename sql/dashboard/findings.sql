-- The significant effects as sentences, with the raw rates behind them; one row per finding, or per variant without one.
SELECT
    finding_rank,
    variant,
    event_type,
    sentence,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    signal_strength,
    points_change,
    raw_verdict,
    raw_rates,
    positions,
    stores,
    experiment,
    users_per_arm,
    caveat
FROM findings_history
WHERE window_start = :window_start
ORDER BY finding_rank NULLS LAST, variant, event_type
