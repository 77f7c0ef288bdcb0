-- Event types that announce the conversion and are not on the dataset's funnel list; one row per event type.
SELECT
    event_type,
    'roles.funnel' AS add_it_to,
    conversion_rate_present,
    conversion_rate_absent,
    auc_alone,
    reason
FROM suspected_leakage
WHERE window_start = :window_start AND is_suspected AND NOT is_funnel
ORDER BY odds_low DESC NULLS LAST, event_type
