-- How many methods promise a sum, and how many of them miss it in some session by more than their bound; one row.
WITH promising AS (
    SELECT DISTINCT method, sessions, residual_median, residual_max, share_over_bound
    FROM method_comparison_{variant}
    WHERE window_start = :window_start AND share_over_bound IS NOT NULL
)

SELECT COUNT(*) AS n_methods, COUNT(CASE WHEN share_over_bound > 0 THEN 1 END) AS n_over_bound
FROM promising
