-- Stages that occur twice, or have an impossible rate or drop-off; one row each.
WITH {common_tables}

SELECT stage, stage_order, sessions, rate, drop_off, n_same
FROM marked
WHERE is_repeated = 1 OR is_out_of_range = 1
ORDER BY stage_order ASC, stage ASC
