-- Event types in the order in which they add to the population stability index, where it is above its bound; one row per event type.
WITH {common_tables}

SELECT parts.event_type AS event_type, parts.share_before AS share_before, parts.share_of_events AS share_of_events, parts.part AS part
FROM parts
CROSS JOIN total
WHERE total.population_stability > :population_stability_max
ORDER BY parts.part DESC, parts.event_type ASC
