-- How many pairs of neighbours occur twice, and how many contradict themselves; one row.
WITH placed AS (
    SELECT
        first_event_type,
        second_event_type,
        same_store,
        mean_effect,
        occurrences,
        sessions,
        users,
        CASE
            WHEN COUNT(*) OVER (PARTITION BY first_event_type, second_event_type, same_store) > 1 THEN 1 ELSE 0
        END AS is_repeated,
        CASE
            WHEN
                mean_effect IS NULL AND occurrences > 0
                OR mean_effect IS NOT NULL AND occurrences = 0
                OR sessions > occurrences OR users > sessions
                OR (users > 1 AND (standard_error IS NULL OR effect_low IS NULL OR effect_high IS NULL OR p_value IS NULL))
                OR (users > 1 AND has_minimum_support AND q_value IS NULL)
                OR first_event_type IS NULL OR second_event_type IS NULL OR same_store IS NULL OR occurrences IS NULL
                THEN 1
            ELSE 0
        END AS is_contradicting
    FROM transformer_pair_attribution_{variant}
    WHERE window_start = :window_start
)

SELECT
    COUNT(*) AS n_pairs,
    COALESCE(SUM(is_repeated), 0) AS n_repeated,
    COALESCE(SUM(is_contradicting), 0) AS n_contradicting
FROM placed
