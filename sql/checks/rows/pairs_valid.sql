-- Pairs of neighbours that occur twice or contradict themselves; one row each.
WITH placed AS (
    SELECT
        first_event_type,
        second_event_type,
        same_store,
        mean_effect,
        occurrences,
        sessions,
        COUNT(*) OVER (PARTITION BY first_event_type, second_event_type, same_store) AS n_same
    FROM transformer_pair_attribution_{variant}
    WHERE window_start = :window_start
)

SELECT first_event_type, second_event_type, same_store, mean_effect, occurrences, sessions
FROM placed
WHERE
    n_same > 1
    OR mean_effect IS NULL AND occurrences > 0
    OR mean_effect IS NOT NULL AND occurrences = 0
    OR sessions > occurrences
    OR first_event_type IS NULL OR second_event_type IS NULL OR same_store IS NULL OR occurrences IS NULL
ORDER BY first_event_type ASC, second_event_type ASC, same_store ASC, occurrences ASC
