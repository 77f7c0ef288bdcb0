-- Effects that occur twice or differ from what is counted again from the units; one row per effect.
WITH {common_tables}

SELECT arm, outcome, rate, counted_rate, control_rate, effect, effect_low, effect_high
FROM effects
WHERE place > 1 OR is_different = 1
ORDER BY arm ASC, outcome ASC, place ASC
