-- How many events a model should not have seen: conversions, and funnel events unless the variant keeps them; one row.
WITH seen AS (
    SELECT
        attributed.session_id AS session_id,
        attributed.event_position AS event_position,
        attributed.event_type AS event_type,
        attributed.event_at AS event_at,
        CASE
            WHEN event_roles.is_conversion OR event_roles.is_funnel AND :funnel_rule <> 'keep' THEN 1 ELSE 0
        END AS is_hidden
    FROM gradient_attribution_{variant} AS attributed
    LEFT JOIN event_roles ON attributed.event_type = event_roles.event_type
    WHERE attributed.window_start = :window_start
)

SELECT COUNT(*) AS n_rows, COALESCE(SUM(is_hidden), 0) AS n_hidden
FROM seen
