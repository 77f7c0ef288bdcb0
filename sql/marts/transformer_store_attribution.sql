-- Mean attribution of events at a store in converted sessions (label 1) and in others (label 0); one row per store and label.
-- attribution_lift, mean_centred_effect and what follows them hold for both labels together and are the same on both rows of a
-- store. Events without a store form a NULL store, so that counts add up; it is never ranked.
SELECT
    stats.window_start,
    stats.name_1 AS store_id,
    stats.name_2 AS store_name,
    labels.label,
    CASE labels.label WHEN 1 THEN stats.converted ELSE stats.not_converted END AS mean,
    CASE labels.label WHEN 1 THEN stats.occurrences_converted ELSE stats.occurrences_not_converted END AS count,
    CASE labels.label WHEN 1 THEN stats.signed_converted ELSE stats.signed_not_converted END AS signed_mean,
    CASE labels.label WHEN 1 THEN stats.centred_converted ELSE stats.centred_not_converted END AS centred_mean,
    CASE labels.label WHEN 1 THEN stats.relative_converted ELSE stats.relative_not_converted END AS relative_mean,
    CASE labels.label WHEN 1 THEN stats.sessions_converted ELSE stats.sessions_not_converted END AS sessions,
    stats.attribution_lift,
    stats.lift_standard_error,
    stats.lift_p_value,
    stats.standardised_lift,
    stats.mean_centred_effect,
    stats.standard_error,
    stats.effect_low,
    stats.effect_high,
    stats.p_value,
    stats.q_value,
    stats.signal_strength,
    stats.occurrences,
    stats.users,
    stats.has_minimum_support,
    stats.driver_rank
FROM attribution_statistics_{variant} AS stats
CROSS JOIN (SELECT 0 AS label UNION ALL SELECT 1 AS label) AS labels
WHERE
    stats.window_start = :window_start
    AND stats.granularity = 'store'
    AND CASE labels.label WHEN 1 THEN stats.occurrences_converted ELSE stats.occurrences_not_converted END > 0
