-- The experiment that would confirm the policy, look by look; one row per look.
SELECT
    look,
    information,
    units_per_arm,
    z_bound,
    p_bound,
    alpha_spent,
    targeted_share,
    control_rate,
    treated_rate,
    power_with_targeted
FROM confirming_test_history
WHERE window_start = :window_start
ORDER BY look
