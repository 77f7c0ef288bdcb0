-- The simulated coupon: sessions with their arm, the revealed outcome, what their first events said, and the truth; one row per session.
SELECT
    CAST(raw_events.unit_id AS VARCHAR) AS unit_id,
    CAST(raw_events.user_id AS VARCHAR) AS user_id,
    CAST(raw_events.arm AS VARCHAR) AS arm,
    CAST(raw_events.converted AS BIGINT) AS converted,
    CAST(NULL AS DOUBLE) AS revenue_usd,
    CAST(raw_events.true_effect AS DOUBLE) AS true_effect,
    CAST(raw_events.early_events AS DOUBLE) AS early_events,
    CAST(raw_events.early_views AS DOUBLE) AS early_views,
    CAST(raw_events.early_impressions AS DOUBLE) AS early_impressions,
    CAST(raw_events.early_minutes AS DOUBLE) AS early_minutes,
    CAST(raw_events.sessions_before AS DOUBLE) AS sessions_before,
    CAST(raw_events.hour AS DOUBLE) AS hour,
    CAST(raw_events.first_store AS VARCHAR) AS first_store,
    CAST(raw_events.first_feature AS VARCHAR) AS first_feature
FROM raw_events
