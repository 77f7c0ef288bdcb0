-- Stages that have other sessions than those counted from the sessions' events; one row per stage.
WITH {common_tables}

SELECT stage, sessions, sessions_recounted
FROM marked
WHERE is_different = 1
ORDER BY stage ASC
