-- Tests that need not pass for publication, and failed; one row.
SELECT COUNT(CASE WHEN NOT blocking AND NOT passed THEN 1 END) AS n_warnings
FROM attribution_trust_{variant}
WHERE window_start = :window_start
