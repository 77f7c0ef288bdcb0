-- What each arm did on average, against the control; one row per arm and outcome.
SELECT
    arm,
    outcome,
    units,
    control_units,
    rate,
    control_rate,
    effect,
    effect_low,
    effect_high,
    relative_effect,
    p_value
FROM experiment_effects_history
WHERE window_start = :window_start
ORDER BY outcome, arm
