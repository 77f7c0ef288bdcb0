-- How many events have a probability that is none, or a logit that is no finite number; one row.
SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN probability >= 0 AND probability <= 1 AND ABS(logit) < 1e9 THEN NULL ELSE 1 END) AS n_out_of_range
FROM gradient_attribution_{variant}
WHERE window_start = :window_start
