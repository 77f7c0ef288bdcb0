-- Ad auctions, impressions, clicks and purchases in canonical columns; one row per row of the four tables.
-- raw_events are the impressions. A click is of the ad that was shown by the auction it names.
SELECT
    CONCAT('impression-', CAST(raw_events.auction_id AS VARCHAR)) AS event_id,
    CAST(raw_events.user_id AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    TRY_CAST(CAST(raw_events.shown_at AS VARCHAR) AS TIMESTAMP_NTZ) AS event_at,
    CAST(raw_events.shown_at AS VARCHAR) AS event_at_raw,
    'ad_impression' AS event_type,
    CAST(raw_events.ad_type AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(raw_events.campaign_id AS VARCHAR) AS primary_tag,
    CAST(NULL AS VARCHAR) AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    CAST(raw_events.product_id AS VARCHAR) AS product_id,
    TRY_CAST(CAST(raw_events.cost_usd AS VARCHAR) AS DOUBLE) AS price_usd,
    CAST(raw_events.auction_id AS VARCHAR) AS auction_id,
    CAST(raw_events.ad_id AS VARCHAR) AS ad_id,
    'shown' AS ad_outcome
FROM raw_events

UNION ALL

SELECT
    CONCAT('click-', CAST(raw_clicks.auction_id AS VARCHAR), '-', CAST(raw_clicks.clicked_at AS VARCHAR)) AS event_id,
    CAST(raw_clicks.user_id AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    TRY_CAST(CAST(raw_clicks.clicked_at AS VARCHAR) AS TIMESTAMP_NTZ) AS event_at,
    CAST(raw_clicks.clicked_at AS VARCHAR) AS event_at_raw,
    'ad_click' AS event_type,
    CAST(NULL AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(NULL AS VARCHAR) AS primary_tag,
    CAST(NULL AS VARCHAR) AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    CAST(NULL AS VARCHAR) AS product_id,
    CAST(NULL AS DOUBLE) AS price_usd,
    CAST(raw_clicks.auction_id AS VARCHAR) AS auction_id,
    CAST(NULL AS VARCHAR) AS ad_id,
    'clicked' AS ad_outcome
FROM raw_clicks

UNION ALL

SELECT
    CAST(raw_purchases.purchase_id AS VARCHAR) AS event_id,
    CAST(raw_purchases.user_id AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    TRY_CAST(CAST(raw_purchases.purchased_at AS VARCHAR) AS TIMESTAMP_NTZ) AS event_at,
    CAST(raw_purchases.purchased_at AS VARCHAR) AS event_at_raw,
    'purchase' AS event_type,
    CAST(NULL AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(NULL AS VARCHAR) AS primary_tag,
    CAST(NULL AS VARCHAR) AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    CAST(raw_purchases.product_id AS VARCHAR) AS product_id,
    TRY_CAST(CAST(raw_purchases.price_usd AS VARCHAR) AS DOUBLE) AS price_usd,
    CAST(NULL AS VARCHAR) AS auction_id,
    CAST(NULL AS VARCHAR) AS ad_id,
    CAST(NULL AS VARCHAR) AS ad_outcome
FROM raw_purchases

UNION ALL

SELECT
    CONCAT('auction-', CAST(raw_auctions.auction_id AS VARCHAR)) AS event_id,
    CAST(raw_auctions.user_id AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    TRY_CAST(CAST(raw_auctions.held_at AS VARCHAR) AS TIMESTAMP_NTZ) AS event_at,
    CAST(raw_auctions.held_at AS VARCHAR) AS event_at_raw,
    'ad_auction' AS event_type,
    CAST(raw_auctions.ad_type AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(raw_auctions.campaign_id AS VARCHAR) AS primary_tag,
    CAST(NULL AS VARCHAR) AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    CAST(raw_auctions.product_id AS VARCHAR) AS product_id,
    CAST(NULL AS DOUBLE) AS price_usd,
    CAST(raw_auctions.auction_id AS VARCHAR) AS auction_id,
    CAST(raw_auctions.ad_id AS VARCHAR) AS ad_id,
    CASE WHEN CAST(raw_auctions.is_won AS BOOLEAN) THEN 'won' ELSE 'lost' END AS ad_outcome
FROM raw_auctions
