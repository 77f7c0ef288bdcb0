-- Units of each arm of the experiment as the source has them; one row per arm.
SELECT arm, COUNT(*) AS n_units
FROM canonical_events
GROUP BY arm
ORDER BY arm ASC NULLS LAST
