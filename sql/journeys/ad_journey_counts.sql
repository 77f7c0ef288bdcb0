-- How many journeys the window has, and what is in them; one row.
SELECT
    COUNT(*) AS journeys,
    COALESCE(SUM(label), 0) AS bought,
    COUNT(CASE WHEN n_events > 0 THEN 1 END) AS with_ads,
    COALESCE(SUM(n_events), 0) AS events,
    COUNT(DISTINCT user_id) AS users
FROM ad_journeys
WHERE window_start = :window_start
