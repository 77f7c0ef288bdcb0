-- The window's journeys without their events, in the order in which they are read; one row per journey.
SELECT journey_id, user_id, day_number, label, auctions, mean_relevance
FROM ad_journeys
WHERE window_start = :window_start
ORDER BY journey_id ASC
