-- Event types whose rows lack sessions or converted ones, are repeated or impossible; one row per event type.
WITH compared AS (
    SELECT
        COUNT(DISTINCT session_id) AS n_sessions,
        COUNT(DISTINCT CASE WHEN label = 1 THEN session_id END) AS n_converted
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set
),

by_type AS (
    SELECT
        event_type,
        SUM(sessions) AS n_sessions,
        SUM(converted) AS n_converted,
        COUNT(*) - COUNT(DISTINCT decile) AS n_repeated,
        COUNT(
            CASE
                WHEN
                    conversion_rate < rate_low OR conversion_rate > rate_high OR rate_low < 0 OR rate_high > 1
                    OR rate_low IS NULL OR rate_high IS NULL OR converted > sessions OR count_low > count_high
                    OR decile < 1 OR decile > 10
                    THEN 1
            END
        ) AS n_out_of_range
    FROM event_count_rates_{variant}
    WHERE window_start = :window_start
    GROUP BY event_type
)

SELECT
    by_type.event_type,
    by_type.n_sessions,
    compared.n_sessions AS n_sessions_compared,
    by_type.n_converted,
    compared.n_converted AS n_converted_compared,
    by_type.n_repeated,
    by_type.n_out_of_range
FROM by_type
CROSS JOIN compared
WHERE
    by_type.n_sessions <> compared.n_sessions OR by_type.n_converted <> compared.n_converted
    OR by_type.n_repeated > 0 OR by_type.n_out_of_range > 0
ORDER BY by_type.event_type ASC
