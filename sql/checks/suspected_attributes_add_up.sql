-- Rows about suspected attributes that are repeated, impossible, or of other sessions than there are; one row.
WITH counted AS (
    SELECT
        CASE WHEN is_later THEN 'later' ELSE 'earlier' END AS part,
        COUNT(*) AS n_sessions,
        SUM(CASE WHEN is_converted THEN 1 ELSE 0 END) AS n_converted
    FROM session_outcomes
    WHERE window_start = :window_start
    GROUP BY CASE WHEN is_later THEN 'later' ELSE 'earlier' END
),

compared AS (
    SELECT
        said.attribute AS attribute,
        said.part AS part,
        said.n_sessions AS n_sessions,
        counted.n_sessions AS counted_sessions,
        said.n_converted AS n_converted,
        counted.n_converted AS counted_converted,
        COUNT(*) OVER (PARTITION BY said.attribute, said.part) AS n_rows,
        CASE
            WHEN
                said.n_sessions = counted.n_sessions AND said.n_converted = counted.n_converted
                AND ABS(said.conversion_rate * said.n_sessions - said.n_converted) < 0.000001
                AND COALESCE(said.auc, 0.5) >= 0 AND COALESCE(said.auc, 0.5) <= 1
                AND said.converted_without >= 0 AND said.converted_without <= 1
                AND said.others_with >= 0 AND said.others_with <= 1
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM suspected_attributes AS said
    LEFT JOIN counted ON said.part = counted.part
    WHERE said.window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN n_rows > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM compared
