-- How many pairs of neighbours occur twice, and how many contradict themselves; one row.
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

SELECT
    COUNT(*) AS n_pairs,
    COUNT(CASE WHEN n_same > 1 THEN 1 END) AS n_repeated,
    COUNT(
        CASE
            WHEN
                mean_effect IS NULL AND occurrences > 0
                OR mean_effect IS NOT NULL AND occurrences = 0
                OR sessions > occurrences
                OR first_event_type IS NULL OR second_event_type IS NULL OR same_store IS NULL OR occurrences IS NULL
                THEN 1
        END
    ) AS n_contradicting
FROM placed
