-- The window's ad auctions with what only the auction's log knows: relevance, bid, the price there was to beat; one row per auction.
-- Joined to accepted events, so that a rejected or forgotten user's auctions stay out.
WITH held AS (
    SELECT
        stg_events.auction_id AS auction_id,
        stg_events.user_id AS user_id,
        stg_events.event_at AS held_at,
        stg_events.primary_tag AS campaign_id,
        stg_events.discovery_feature AS ad_type,
        stg_events.ad_id AS ad_id,
        stg_events.product_id AS product_id,
        stg_events.ad_outcome AS ad_outcome
    FROM stg_events
    WHERE
        stg_events.window_start = :window_start AND stg_events.window_side = 0 AND stg_events.rejection IS NULL
        AND stg_events.event_type = 'ad_auction'
),

logged AS (
    SELECT
        CAST(raw_auctions.auction_id AS VARCHAR) AS auction_id,
        MAX(TRY_CAST(CAST(raw_auctions.relevance AS VARCHAR) AS DOUBLE)) AS relevance,
        MAX(TRY_CAST(CAST(raw_auctions.bid_usd AS VARCHAR) AS DOUBLE)) AS bid_usd,
        MAX(TRY_CAST(CAST(raw_auctions.price_to_win_usd AS VARCHAR) AS DOUBLE)) AS price_to_win_usd
    FROM raw_auctions
    GROUP BY CAST(raw_auctions.auction_id AS VARCHAR)
)

SELECT
    :window_start AS window_start,
    held.auction_id,
    held.user_id,
    held.held_at,
    held.campaign_id,
    held.ad_type,
    held.ad_id,
    held.product_id,
    logged.relevance,
    logged.bid_usd,
    logged.price_to_win_usd,
    held.ad_outcome = 'won' AS is_won
FROM held
INNER JOIN logged ON held.auction_id = logged.auction_id
