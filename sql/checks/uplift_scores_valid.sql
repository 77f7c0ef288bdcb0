-- Units of the compared arms without a score, and scores that occur twice or cannot be; one row.
WITH units AS (
    SELECT DISTINCT session_id
    FROM treatment_assignment
    WHERE window_start = :window_start AND is_treated IS NOT NULL
),

scores AS (
    SELECT
        session_id,
        uplift,
        uplift_low,
        uplift_high,
        quadrant,
        control_rate,
        treated_rate,
        ROW_NUMBER() OVER (PARTITION BY session_id ORDER BY uplift_rank ASC) AS place,
        CASE
            WHEN uplift IS NULL OR uplift < uplift_low OR uplift > uplift_high THEN 1
            WHEN control_rate < 0 OR control_rate > 1 OR treated_rate < 0 OR treated_rate > 1 THEN 1
            WHEN (uplift_low > 0 AND group_effect_low > 0) <> (quadrant = 'persuadable') THEN 1
            WHEN (uplift_high < 0 AND group_effect_high < 0) <> (quadrant = 'do_not_disturb') THEN 1
            ELSE 0
        END AS is_wrong
    FROM uplift_scores
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        COALESCE(units.session_id, scores.session_id) AS session_id,
        scores.uplift,
        scores.uplift_low,
        scores.uplift_high,
        scores.quadrant,
        scores.place,
        CASE WHEN units.session_id IS NULL OR scores.session_id IS NULL THEN 1 ELSE 0 END AS is_missing,
        COALESCE(scores.is_wrong, 0) AS is_wrong
    FROM units
    FULL OUTER JOIN scores ON units.session_id = scores.session_id
)

SELECT
    COALESCE(SUM(is_missing), 0) AS n_missing,
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM compared
