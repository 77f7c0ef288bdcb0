-- How many impressions have several effects or one that can't be, and how many dimensions count others; one row.
WITH judged AS (
    SELECT
        journey_id,
        exposure,
        effect_dropped,
        probability,
        CASE WHEN COUNT(*) OVER (PARTITION BY journey_id, exposure) > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN
                effect_dropped IS NULL OR effect_masked IS NULL OR probability IS NULL
                OR NOT probability BETWEEN 0 AND 1
                OR NOT probability - effect_dropped BETWEEN 0 AND 1
                OR NOT probability - effect_masked BETWEEN 0 AND 1
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM ad_event_counterfactuals
    WHERE window_start = :window_start
),

dimensions AS (
    SELECT dimension, SUM(impressions) AS impressions
    FROM ad_responses
    WHERE window_start = :window_start
    GROUP BY dimension
),

miscounted AS (
    SELECT dimensions.dimension
    FROM dimensions
    WHERE dimensions.impressions <> (SELECT COUNT(*) FROM judged)
)

SELECT
    COUNT(*) AS n_impressions,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range,
    (SELECT COUNT(*) FROM miscounted) AS n_miscounted
FROM judged
