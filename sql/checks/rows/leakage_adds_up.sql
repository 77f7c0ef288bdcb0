-- Event types that are compared not exactly once, or with other lifts than the variants' tables have; one row each.
WITH sides AS (
    SELECT event_type, 1 AS n_variants, 0 AS n_rows, attribution_lift AS plain, CAST(NULL AS DOUBLE) AS leaky
    FROM transformer_event_attribution_no_funnel
    WHERE window_start = :window_start
    UNION ALL
    SELECT event_type, 1 AS n_variants, 0 AS n_rows, CAST(NULL AS DOUBLE) AS plain, attribution_lift AS leaky
    FROM transformer_event_attribution_with_funnel
    WHERE window_start = :window_start
    UNION ALL
    SELECT event_type, 0 AS n_variants, 1 AS n_rows, CAST(NULL AS DOUBLE) AS plain, CAST(NULL AS DOUBLE) AS leaky
    FROM leakage_comparison
    WHERE window_start = :window_start
),

lifts AS (
    SELECT
        event_type,
        SUM(n_variants) AS n_variants,
        SUM(n_rows) AS n_rows,
        MAX(plain) AS no_funnel_lift,
        MAX(leaky) AS with_funnel_lift
    FROM sides
    GROUP BY event_type
),

compared AS (
    SELECT
        lifts.event_type AS event_type,
        lifts.n_variants AS n_variants,
        lifts.n_rows AS n_rows,
        lifts.no_funnel_lift AS no_funnel_lift,
        lifts.with_funnel_lift AS with_funnel_lift,
        said.no_funnel_lift AS said_no_funnel_lift,
        said.with_funnel_lift AS said_with_funnel_lift,
        said.leakage_amount AS said_leakage_amount,
        CASE
            WHEN lifts.no_funnel_lift IS NOT DISTINCT FROM said.no_funnel_lift
            AND lifts.with_funnel_lift IS NOT DISTINCT FROM said.with_funnel_lift
            AND COALESCE(ABS(said.leakage_amount - (lifts.with_funnel_lift - COALESCE(lifts.no_funnel_lift, 0))), 0) < 1e-9
            AND (said.leakage_amount IS NULL) = (lifts.with_funnel_lift IS NULL)
                THEN 0
            ELSE 1
        END AS is_different
    FROM lifts
    LEFT JOIN leakage_comparison AS said
        ON lifts.event_type = said.event_type AND said.window_start = :window_start
)

SELECT
    event_type,
    n_variants,
    n_rows,
    no_funnel_lift,
    said_no_funnel_lift,
    with_funnel_lift,
    said_with_funnel_lift,
    said_leakage_amount
FROM compared
WHERE n_rows <> 1 OR n_variants = 0 OR is_different = 1
ORDER BY event_type ASC, said_leakage_amount ASC
