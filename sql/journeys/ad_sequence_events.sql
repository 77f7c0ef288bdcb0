-- Journeys with their ad events in order, as the sequence builder wants them; one row per event, one for a journey without.
SELECT
    ad_journeys.journey_id AS session_id,
    ad_journeys.user_id AS user_id,
    ad_journeys.label AS label,
    TRUE AS in_risk_set,
    ad_journeys.window_start AS started_at,
    ad_journeys.day_number AS day_number,
    ad_journeys.auctions AS auctions,
    ad_journeys.mean_relevance AS mean_relevance,
    ad_journey_events.event_at AS event_at,
    ad_journey_events.event_type AS event_type,
    ad_journey_events.campaign_id AS campaign_id,
    ad_journey_events.ad_type AS ad_type,
    ad_journey_events.product_id AS product_id,
    ad_journey_events.cost_usd AS cost_usd,
    ad_journey_events.hours_before AS hours_before,
    CAST(ad_journey_events.exposure AS DOUBLE) AS exposure,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(NULL AS VARCHAR) AS primary_tag,
    CAST(NULL AS VARCHAR) AS primary_category
FROM ad_journeys
LEFT JOIN ad_journey_events
    ON ad_journeys.window_start = ad_journey_events.window_start
    AND ad_journeys.journey_id = ad_journey_events.journey_id
WHERE ad_journeys.window_start = :window_start
ORDER BY ad_journeys.journey_id ASC, ad_journey_events.event_position ASC
