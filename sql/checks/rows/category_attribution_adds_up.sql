-- Rows by category and tag that are repeated, miscounted or impossible; one row per category and tag.
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

SELECT primary_category, primary_tag, n_attributed, n_published, n_rows, n_out_of_range
FROM compared
WHERE n_rows <> 1 OR n_attributed <> n_published OR n_out_of_range > 0
ORDER BY primary_category ASC, primary_tag ASC
