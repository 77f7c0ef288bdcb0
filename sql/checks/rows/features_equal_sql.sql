-- Sessions that have features otherwise than the staged events say, in either set; one row per session.
WITH {common_tables},

sides AS (
    SELECT
        session_id,
        1 AS full_staged,
        is_early AS early_staged,
        label,
        0 AS full_kept,
        0 AS early_kept,
        0 AS kept_label
    FROM recounted
    UNION ALL
    SELECT
        session_id,
        0 AS full_staged,
        0 AS early_staged,
        0 AS label,
        CASE WHEN feature_set = 'full' THEN 1 ELSE 0 END AS full_kept,
        CASE WHEN feature_set = 'early' THEN 1 ELSE 0 END AS early_kept,
        CASE WHEN feature_set = 'full' AND is_converted THEN 1 ELSE 0 END AS kept_label
    FROM session_features
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(full_staged) AS full_staged,
        SUM(full_kept) AS full_kept,
        SUM(early_staged) AS early_staged,
        SUM(early_kept) AS early_kept,
        SUM(label) AS label,
        SUM(kept_label) AS kept_label
    FROM sides
    GROUP BY session_id
)

SELECT session_id, full_staged, full_kept, early_staged, early_kept, label, kept_label
FROM compared
WHERE full_staged <> full_kept OR early_staged <> early_kept OR label <> kept_label
ORDER BY session_id ASC
