-- Each event type with and without the funnel; one row per event type of either variant.
SELECT
    event_type,
    no_funnel_effect,
    with_funnel_effect,
    effect_change,
    effect_change_low,
    effect_change_high,
    q_value,
    no_funnel_lift,
    with_funnel_lift,
    leakage_amount,
    is_funnel,
    is_suspected,
    has_minimum_support
FROM leakage_comparison_history
WHERE window_start = :window_start
ORDER BY is_funnel, ABS(effect_change) DESC NULLS LAST, event_type
