-- How many events of the sample are not explained once by every method, and how many values are no finite number; one row.
WITH methods AS (
    SELECT COUNT(DISTINCT method) AS n_methods
    FROM method_attribution_{variant}
    WHERE window_start = :window_start
),

placed AS (
    SELECT
        method,
        session_id,
        event_position,
        event_type,
        signed_attribution,
        centred_attribution,
        COUNT(*) OVER (PARTITION BY method, session_id, event_position) AS n_same,
        COUNT(*) OVER (PARTITION BY session_id, event_position) AS n_explained_by
    FROM method_attribution_{variant}
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        placed.*,
        CASE WHEN n_same > 1 OR n_explained_by <> n_methods OR session_id IS NULL OR event_position IS NULL THEN 1 ELSE 0 END AS is_uneven,
        CASE
            WHEN COALESCE(signed_attribution, 0) - COALESCE(signed_attribution, 0) = 0
            AND COALESCE(centred_attribution, 0) - COALESCE(centred_attribution, 0) = 0
            AND (signed_attribution IS NULL) = (centred_attribution IS NULL)
                THEN 0
            ELSE 1
        END AS is_no_number
    FROM placed
    CROSS JOIN methods
)

SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN is_uneven = 1 THEN 1 END) AS n_uneven,
    COUNT(CASE WHEN is_no_number = 1 THEN 1 END) AS n_no_number
FROM judged
