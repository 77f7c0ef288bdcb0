-- Journeys that occur twice, or whose label or counts are not those of their events; one row each.
WITH {common_tables}

SELECT journey_id, label, impressions, shown_impressions, is_repeated, is_mislabelled, is_miscounted
FROM judged
WHERE is_repeated + is_mislabelled + is_miscounted > 0
ORDER BY journey_id ASC
