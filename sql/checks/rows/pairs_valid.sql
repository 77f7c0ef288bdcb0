-- Pairs of neighbours that occur twice or contradict themselves; one row each.
WITH {common_tables}

SELECT first_event_type, second_event_type, same_store, mean_effect, occurrences, sessions, users
FROM placed
WHERE is_repeated = 1 OR is_contradicting = 1
ORDER BY first_event_type ASC, second_event_type ASC, same_store ASC, occurrences ASC
