-- What the source holds of one window, before sessions are built; one row.
SELECT
    COUNT(*) AS events,
    COUNT(DISTINCT canonical_events.user_id) AS users,
    COUNT(CASE WHEN event_roles.is_conversion THEN 1 END) AS conversions
FROM canonical_events
LEFT JOIN event_roles ON canonical_events.event_type = event_roles.event_type
WHERE canonical_events.event_at >= :window_start AND canonical_events.event_at < :window_end
