-- What was found, in words; one row per window, variant and finding, and one for a variant without any.
SELECT
    window_start,
    variant,
    event_type,
    finding_rank,
    sentence,
    mean_centred_effect,
    effect_low,
    effect_high,
    q_value,
    raw_verdict,
    caveat
FROM findings_history
