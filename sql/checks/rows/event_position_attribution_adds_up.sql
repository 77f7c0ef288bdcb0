-- Event types and position bins that are not published once, or with other figures than the statistics have; one row per event type and position bin.
WITH sides AS (
    SELECT event_type, bin_order, 1 AS n_published, 0 AS n_expected, occurrences AS occurrences, mean_centred_effect, q_value
    FROM transformer_event_position_attribution_{variant}
    WHERE window_start = :window_start
    UNION ALL
    SELECT name_1 AS event_type, CAST(name_2 AS INTEGER) AS bin_order, 0 AS n_published, 1 AS n_expected, occurrences, mean_centred_effect, q_value
    FROM attribution_statistics_{variant}
    WHERE window_start = :window_start AND granularity = 'event_position'
),

compared AS (
    SELECT
        event_type, bin_order,
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
    GROUP BY event_type, bin_order
)

SELECT event_type, bin_order, n_published, n_expected, is_different
FROM compared
WHERE n_published <> 1 OR n_expected <> 1 OR is_different = 1
ORDER BY event_type ASC, bin_order ASC
