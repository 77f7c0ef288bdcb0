-- Rows by event type that are repeated, miscounted or impossible; one row per event type.
WITH sides AS (
    SELECT
        event_type,
        1 AS n_attributed,
        0 AS n_published,
        0 AS n_rows,
        0 AS is_out_of_range
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
    UNION ALL
    SELECT
        event_type,
        0 AS n_attributed,
        occurrences AS n_published,
        1 AS n_rows,
        CASE
            WHEN
                not_converted < 0 OR not_converted > 1 OR converted < 0 OR converted > 1
                OR effect_low > mean_centred_effect OR effect_high < mean_centred_effect OR mean_centred_effect IS NULL
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM transformer_event_attribution_{variant}
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        event_type,
        SUM(n_attributed) AS n_attributed,
        SUM(n_published) AS n_published,
        SUM(n_rows) AS n_rows,
        SUM(is_out_of_range) AS n_out_of_range
    FROM sides
    GROUP BY event_type
)

SELECT event_type, n_attributed, n_published, n_rows, n_out_of_range
FROM compared
WHERE n_rows <> 1 OR n_attributed <> n_published OR n_out_of_range > 0
ORDER BY event_type ASC
