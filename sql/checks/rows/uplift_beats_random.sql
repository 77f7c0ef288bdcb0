-- The learner that is used, if its Qini is not clearly above that of a random score; one row per learner.
WITH {common_tables}

SELECT learner, metric, over_random, over_random_low, over_random_high
FROM used
WHERE over_random_low < :over_random_low_min
ORDER BY learner ASC
