-- Effect measured in each tenth of the units by predicted uplift; one row per window and tenth.
SELECT
    window_start,
    score_group,
    COUNT(*) AS units,
    MAX(group_effect) AS group_effect,
    MAX(group_effect_low) AS group_effect_low,
    MAX(group_effect_high) AS group_effect_high
FROM uplift_scores_history
GROUP BY window_start, score_group
