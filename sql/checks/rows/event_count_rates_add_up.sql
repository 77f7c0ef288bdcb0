-- Event types whose rows lack sessions or converted ones, are repeated or impossible; one row per event type.
WITH {common_tables}

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
