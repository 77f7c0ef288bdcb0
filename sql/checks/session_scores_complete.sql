-- How many sessions are not scored exactly once though a champion scored some, or with an impossible probability; one row.
-- Only a finite number less itself is 0; an engine may not read a comparison with a bound off a file's statistics instead.
WITH sides AS (
    SELECT
        session_id,
        1 AS n_known,
        0 AS n_scored,
        CASE WHEN is_converted THEN 1 ELSE 0 END AS label,
        0 AS scored_label,
        0 AS is_impossible
    FROM sessions
    WHERE
        window_start = :window_start AND NOT is_bot
        AND EXISTS (SELECT 1 AS n FROM session_scores_{variant} WHERE window_start = :window_start)
    UNION ALL
    SELECT
        session_id,
        0 AS n_known,
        1 AS n_scored,
        0 AS label,
        label AS scored_label,
        CASE
            WHEN logit - logit = 0 AND probability - probability = 0 AND probability >= 0 AND probability <= 1 THEN 0
            ELSE 1
        END AS is_impossible
    FROM session_scores_{variant}
    WHERE window_start = :window_start
),

compared AS (
    SELECT
        session_id,
        SUM(n_known) AS n_known,
        SUM(n_scored) AS n_scored,
        SUM(label) AS label,
        SUM(scored_label) AS scored_label,
        SUM(is_impossible) AS is_impossible
    FROM sides
    GROUP BY session_id
)

SELECT
    COALESCE(SUM(CASE WHEN n_known = 1 AND n_scored = 1 AND label = scored_label THEN 0 ELSE 1 END), 0) AS n_not_once,
    COALESCE(SUM(is_impossible), 0) AS n_impossible
FROM compared
