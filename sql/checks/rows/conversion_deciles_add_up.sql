-- Models whose deciles do not add up; one row each.
WITH {common_tables}

SELECT
    feature_set,
    model,
    n_sessions,
    measured_sessions,
    n_converted,
    measured_converted,
    n_repeated,
    n_wrong_rates
FROM wrong
ORDER BY feature_set ASC, model ASC
