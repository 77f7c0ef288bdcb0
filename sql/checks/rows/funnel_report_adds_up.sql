-- Stages of the funnel report that do not add up; one row each.
WITH {common_tables}

SELECT stage, sessions, counted_sessions, converted, abandoned, lost_revenue_usd
FROM compared
WHERE is_wrong = 1
ORDER BY stage ASC
