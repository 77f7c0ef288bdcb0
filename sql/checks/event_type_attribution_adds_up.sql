-- How many event types are not published once, or with other figures than the statistics have; one row.
WITH sides AS (
    SELECT event_type, 1 AS n_published, 0 AS n_expected, occurrences AS occurrences, mean_centred_effect, q_value
    FROM transformer_event_attribution_{variant}
    WHERE window_start = :window_start
    UNION ALL
    SELECT name_1 AS event_type, 0 AS n_published, 1 AS n_expected, occurrences, mean_centred_effect, q_value
    FROM attribution_statistics_{variant}
    WHERE window_start = :window_start AND granularity = 'event_type'
),

compared AS (
    SELECT
        event_type,
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
    GROUP BY event_type
)

SELECT
    COUNT(*) AS n_groups,
    COUNT(CASE WHEN n_published <> 1 OR n_expected <> 1 THEN 1 END) AS n_not_once,
    COUNT(CASE WHEN n_published = 1 AND n_expected = 1 AND is_different = 1 THEN 1 END) AS n_different
FROM compared
