-- Journeys without their embedding, with several, or with one that can't be; one row each.
WITH {common_tables}

SELECT journey_id, expected, found, is_out_of_range
FROM sides
WHERE found <> expected OR is_out_of_range = 1
ORDER BY journey_id ASC
