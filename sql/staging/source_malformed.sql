-- How many lines of the source could not be read as rows; one row.
SELECT COUNT(*) AS n_malformed_lines
FROM malformed_lines
