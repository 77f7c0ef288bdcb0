-- How many event types announce the conversion and are not on the dataset's funnel list; one row.
SELECT
    COUNT(CASE WHEN is_suspected THEN 1 END) AS n_suspected,
    COUNT(CASE WHEN is_suspected AND NOT is_funnel THEN 1 END) AS n_unlisted
FROM suspected_leakage
WHERE window_start = :window_start
