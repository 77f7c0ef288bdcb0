-- What was known of each unit, unit by unit in the order of experiment_units; one row per covariate and unit.
-- A covariate is a number if no unit has a category of it.
WITH kinds AS (
    SELECT covariate, MAX(CASE WHEN category IS NULL THEN 0 ELSE 1 END) AS is_category
    FROM experiment_covariates
    WHERE window_start = :window_start
    GROUP BY covariate
)

SELECT
    values_of_units.covariate,
    kinds.is_category = 0 AS is_number,
    values_of_units.number,
    values_of_units.category
FROM experiment_covariates AS values_of_units
INNER JOIN kinds ON values_of_units.covariate = kinds.covariate
WHERE values_of_units.window_start = :window_start
ORDER BY values_of_units.covariate ASC, values_of_units.session_id ASC
