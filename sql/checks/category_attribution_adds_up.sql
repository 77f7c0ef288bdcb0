-- How many rows by category and tag are repeated, miscounted or impossible; one row.
WITH sides AS (
    SELECT
        primary_category,
        primary_tag,
        1 AS n_attributed,
        0 AS n_published,
        0 AS n_rows,
        0 AS is_out_of_range
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
    UNION ALL
    SELECT
        primary_category,
        primary_tag,
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
    FROM transformer_category_attribution_{variant}
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        primary_category,
        primary_tag,
        SUM(n_attributed) AS n_attributed,
        SUM(n_published) AS n_published,
        SUM(n_rows) AS n_rows,
        SUM(is_out_of_range) AS n_out_of_range
    FROM sides
    GROUP BY primary_category, primary_tag
)

SELECT
    COUNT(*) AS n_groups,
    COUNT(CASE WHEN n_rows <> 1 THEN 1 END) AS n_not_once,
    COUNT(CASE WHEN n_attributed <> n_published THEN 1 END) AS n_miscounted,
    COUNT(CASE WHEN n_out_of_range > 0 THEN 1 END) AS n_out_of_range
FROM compared
