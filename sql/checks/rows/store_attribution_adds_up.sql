-- Rows by store, name and label that are repeated, miscounted or impossible; one row per store, name and label.
WITH sides AS (
    SELECT
        store_id,
        store_name,
        label,
        1 AS n_attributed,
        0 AS n_published,
        0 AS n_rows,
        0 AS is_out_of_range
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
    UNION ALL
    SELECT
        store_id,
        store_name,
        label,
        0 AS n_attributed,
        count AS n_published,
        1 AS n_rows,
        CASE
            WHEN
                mean < 0 OR mean > 1
                OR effect_low > mean_centred_effect OR effect_high < mean_centred_effect OR mean_centred_effect IS NULL
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM transformer_store_attribution_{variant}
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        store_id,
        store_name,
        label,
        SUM(n_attributed) AS n_attributed,
        SUM(n_published) AS n_published,
        SUM(n_rows) AS n_rows,
        SUM(is_out_of_range) AS n_out_of_range
    FROM sides
    GROUP BY store_id, store_name, label
)

SELECT store_id, store_name, label, n_attributed, n_published, n_rows, n_out_of_range
FROM compared
WHERE n_rows <> 1 OR n_attributed <> n_published OR n_out_of_range > 0
ORDER BY store_id ASC, store_name ASC, label ASC
