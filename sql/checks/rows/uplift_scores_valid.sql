-- Units without a score, scores without a unit, and scores that occur twice or cannot be; one row per unit.
WITH {common_tables}

SELECT session_id, uplift, uplift_low, uplift_high, quadrant
FROM compared
WHERE is_missing = 1 OR place > 1 OR is_wrong = 1
ORDER BY session_id ASC, place ASC
