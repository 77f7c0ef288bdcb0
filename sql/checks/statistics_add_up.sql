-- How many groups of attributed events are repeated, miscounted or impossible, or lack what their users suffice for; one row.
WITH occurrences AS (
    SELECT
        event_type,
        CASE
            WHEN event_position < 5 THEN '1'
            WHEN event_position < 10 THEN '2'
            WHEN event_position < 20 THEN '3'
            WHEN event_position < 50 THEN '4'
            ELSE '5'
        END AS position_bin,
        store_id,
        store_name,
        primary_category,
        primary_tag
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set AND gradient_attribution IS NOT NULL
),

grouped AS (
    SELECT 'event_type' AS granularity, event_type AS name_1, CAST(NULL AS VARCHAR) AS name_2 FROM occurrences
    UNION ALL
    SELECT 'position' AS granularity, position_bin AS name_1, CAST(NULL AS VARCHAR) AS name_2 FROM occurrences
    UNION ALL
    SELECT 'store' AS granularity, store_id AS name_1, store_name AS name_2 FROM occurrences
    UNION ALL
    SELECT 'category' AS granularity, primary_category AS name_1, primary_tag AS name_2 FROM occurrences
    UNION ALL
    SELECT 'event_position' AS granularity, event_type AS name_1, position_bin AS name_2 FROM occurrences
),

sides AS (
    SELECT granularity, name_1, name_2, COUNT(*) AS n_attributed, 0 AS n_counted, 0 AS n_rows, 0 AS is_out_of_range
    FROM grouped
    GROUP BY granularity, name_1, name_2
    UNION ALL
    SELECT
        granularity,
        name_1,
        name_2,
        0 AS n_attributed,
        occurrences AS n_counted,
        1 AS n_rows,
        CASE
            WHEN
                not_converted < 0 OR not_converted > 1.000001 OR converted < 0 OR converted > 1.000001
                OR effect_low > mean_centred_effect OR effect_high < mean_centred_effect OR mean_centred_effect IS NULL
                OR p_value < 0 OR p_value > 1 OR lift_p_value < 0 OR lift_p_value > 1
                OR q_value < p_value OR q_value > 1 OR (q_value IS NOT NULL AND NOT has_minimum_support)
                OR signal_strength IS NULL OR (signal_strength <> 'Neutral' AND q_value IS NULL)
                OR users IS NULL OR has_minimum_support IS NULL
                OR (users > 1 AND (standard_error IS NULL OR effect_low IS NULL OR effect_high IS NULL OR p_value IS NULL))
                OR (users > 1 AND has_minimum_support AND q_value IS NULL)
                THEN 1
            ELSE 0
        END AS is_out_of_range
    FROM attribution_statistics_{variant}
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        granularity,
        name_1,
        name_2,
        SUM(n_attributed) AS n_attributed,
        SUM(n_counted) AS n_counted,
        SUM(n_rows) AS n_rows,
        SUM(is_out_of_range) AS n_out_of_range
    FROM sides
    GROUP BY granularity, name_1, name_2
)

SELECT
    COUNT(*) AS n_groups,
    COUNT(CASE WHEN n_rows <> 1 THEN 1 END) AS n_not_once,
    COUNT(CASE WHEN n_attributed <> n_counted THEN 1 END) AS n_miscounted,
    COUNT(CASE WHEN n_out_of_range > 0 THEN 1 END) AS n_out_of_range
FROM compared
