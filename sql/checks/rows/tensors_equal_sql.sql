-- Sessions that the table the tensors are made from holds otherwise than the staged events say; one row per session.
-- None of them, and yet different counts: then the fault lies between that table and the tensors.
WITH {common_tables},

sides AS (
    SELECT
        session_id,
        1 AS n_staged,
        0 AS n_kept,
        label,
        n_no_funnel,
        0 AS kept_label,
        0 AS kept_n_no_funnel
    FROM recounted
    UNION ALL
    SELECT
        session_id,
        0 AS n_staged,
        1 AS n_kept,
        0 AS label,
        0 AS n_no_funnel,
        label AS kept_label,
        n_no_funnel AS kept_n_no_funnel
    FROM risk_set
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(n_staged) AS n_staged,
        SUM(n_kept) AS n_kept,
        SUM(label) AS label,
        SUM(kept_label) AS kept_label,
        SUM(n_no_funnel) AS n_no_funnel,
        SUM(kept_n_no_funnel) AS kept_n_no_funnel
    FROM sides
    GROUP BY session_id
)

SELECT session_id, n_staged, n_kept, label, kept_label, n_no_funnel, kept_n_no_funnel
FROM compared
WHERE n_staged <> 1 OR n_kept <> 1 OR label <> kept_label OR n_no_funnel <> kept_n_no_funnel
ORDER BY session_id ASC
