-- Bounds on purchases that ads added under intent that nobody logged; one row per tilt.
SELECT
    tilt,
    lowest,
    highest,
    explained_away_at
FROM ad_sensitivity_history
WHERE window_start = :window_start
ORDER BY tilt
