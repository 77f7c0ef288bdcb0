-- Effects of arms, and those that occur twice or differ from what is counted again from the units; one row.
WITH counted AS (
    SELECT arm, outcome, COUNT(*) AS units, AVG(CAST(CASE WHEN happened THEN 1 ELSE 0 END AS DOUBLE)) AS rate
    FROM treatment_assignment
    WHERE window_start = :window_start
    GROUP BY arm, outcome
),

effects AS (
    SELECT
        stated.arm,
        stated.outcome,
        stated.rate,
        stated.control_rate,
        stated.effect,
        stated.effect_low,
        stated.effect_high,
        counted.rate AS counted_rate,
        ROW_NUMBER() OVER (PARTITION BY stated.arm, stated.outcome ORDER BY stated.effect ASC) AS place,
        CASE
            WHEN ABS(stated.rate - stated.control_rate - stated.effect) > 1e-9 THEN 1
            WHEN stated.effect IS NULL OR stated.effect < stated.effect_low OR stated.effect > stated.effect_high THEN 1
            WHEN stated.outcome = 'revenue_usd' THEN 0
            WHEN counted.rate IS NULL OR counted.units <> stated.units OR ABS(counted.rate - stated.rate) > 1e-6 THEN 1
            ELSE 0
        END AS is_different
    FROM experiment_effects AS stated
    LEFT JOIN counted ON stated.arm = counted.arm AND stated.outcome = counted.outcome
    WHERE stated.window_start = :window_start
)

SELECT
    COUNT(*) AS n_effects,
    COUNT(CASE WHEN place > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_different), 0) AS n_different
FROM effects
