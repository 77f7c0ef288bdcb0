-- Event types that are compared not exactly once, or with other lifts than the variants' tables have; one row each.
WITH {common_tables}

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
