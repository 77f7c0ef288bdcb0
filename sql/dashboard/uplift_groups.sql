-- Effect measured in each tenth of the units by predicted uplift, beside what was predicted; one row per tenth.
SELECT
    score_group,
    COUNT(*) AS units,
    AVG(uplift) AS mean_uplift,
    MAX(group_effect) AS group_effect,
    MAX(group_effect_low) AS group_effect_low,
    MAX(group_effect_high) AS group_effect_high,
    AVG(control_rate) AS mean_control_rate,
    AVG(treated_rate) AS mean_treated_rate
FROM uplift_scores_history
WHERE window_start = :window_start
GROUP BY score_group
ORDER BY score_group
