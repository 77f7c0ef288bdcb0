-- Groups of attributed events that are repeated, miscounted or impossible; one row per granularity and group.
WITH {common_tables}

SELECT granularity, name_1, name_2, n_attributed, n_counted, n_rows, n_out_of_range
FROM compared
WHERE n_rows <> 1 OR n_attributed <> n_counted OR n_out_of_range > 0
ORDER BY granularity ASC, name_1 ASC, name_2 ASC
