-- Event types that the search for leakage holds not exactly once, miscounts, or gives impossible figures; one row per event type.
WITH {common_tables}

SELECT
    COALESCE(seen.event_type, said.event_type) AS event_type,
    said.n_rows AS n_rows,
    seen.n_sessions AS counted_sessions,
    said.n_sessions AS said_sessions,
    said.n_impossible AS n_impossible
FROM seen
FULL OUTER JOIN said ON seen.event_type = said.event_type
WHERE
    seen.event_type IS NULL OR said.event_type IS NULL OR said.n_rows <> 1
    OR seen.n_sessions <> said.n_sessions OR said.n_impossible > 0
ORDER BY event_type
