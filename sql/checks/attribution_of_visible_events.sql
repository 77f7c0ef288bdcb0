-- How many events a model should not have seen: conversions, and funnel events unless the variant keeps them; one row.
SELECT
    COUNT(*) AS n_rows,
    COUNT(
        CASE WHEN event_roles.is_conversion OR event_roles.is_funnel AND :funnel_rule <> 'keep' THEN 1 END
    ) AS n_hidden
FROM gradient_attribution_{variant} AS attributed
LEFT JOIN event_roles ON attributed.event_type = event_roles.event_type
WHERE attributed.window_start = :window_start
