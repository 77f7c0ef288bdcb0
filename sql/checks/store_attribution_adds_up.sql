-- How many stores and labels are not published once, or with other figures than the statistics have; one row.
WITH sides AS (
    SELECT
        store_id, store_name, label, 1 AS n_published, 0 AS n_expected, count AS occurrences, mean_centred_effect, q_value
    FROM transformer_store_attribution_{variant}
    WHERE window_start = :window_start
    UNION ALL
    SELECT
        name_1 AS store_id, name_2 AS store_name, 0 AS label, 0 AS n_published, 1 AS n_expected,
        occurrences_not_converted AS occurrences, mean_centred_effect, q_value
    FROM attribution_statistics_{variant}
    WHERE window_start = :window_start AND granularity = 'store' AND occurrences_not_converted > 0
    UNION ALL
    SELECT
        name_1 AS store_id, name_2 AS store_name, 1 AS label, 0 AS n_published, 1 AS n_expected,
        occurrences_converted AS occurrences, mean_centred_effect, q_value
    FROM attribution_statistics_{variant}
    WHERE window_start = :window_start AND granularity = 'store' AND occurrences_converted > 0
),

compared AS (
    SELECT
        store_id, store_name, label,
        SUM(n_published) AS n_published,
        SUM(n_expected) AS n_expected,
        CASE
            WHEN
                MIN(occurrences) <> MAX(occurrences) OR MIN(mean_centred_effect) <> MAX(mean_centred_effect)
                OR MIN(q_value) <> MAX(q_value) OR COUNT(q_value) = 1
                THEN 1
            ELSE 0
        END AS is_different
    FROM sides
    GROUP BY store_id, store_name, label
)

SELECT
    COUNT(*) AS n_groups,
    COUNT(CASE WHEN n_published <> 1 OR n_expected <> 1 THEN 1 END) AS n_not_once,
    COUNT(CASE WHEN n_published = 1 AND n_expected = 1 AND is_different = 1 THEN 1 END) AS n_different
FROM compared
