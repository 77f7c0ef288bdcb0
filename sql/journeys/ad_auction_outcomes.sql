-- Auctions of the look-back before the window, with the purchases that followed within as long a time; one row per auction.
WITH bought AS (
    SELECT
        stg_events.user_id,
        stg_events.event_at
    FROM stg_events
    INNER JOIN event_roles ON stg_events.event_type = event_roles.event_type
    WHERE
        event_roles.is_conversion AND stg_events.window_side = 0 AND stg_events.rejection IS NULL
        AND stg_events.event_at >= :history_start AND stg_events.event_at < :window_end
)

SELECT
    ad_auctions.auction_id AS auction_id,
    ad_auctions.user_id AS user_id,
    ad_auctions.campaign_id AS campaign_id,
    ad_auctions.is_won AS is_won,
    ad_auctions.bid_usd AS bid_usd,
    ad_auctions.price_to_win_usd AS price_to_win_usd,
    COUNT(bought.event_at) AS purchases
FROM ad_auctions
LEFT JOIN bought
    ON ad_auctions.user_id = bought.user_id
    AND bought.event_at > ad_auctions.held_at
    AND DATEDIFF('microsecond', ad_auctions.held_at, bought.event_at) <= :look_back_us
WHERE
    ad_auctions.held_at >= :history_start AND ad_auctions.held_at < :auctions_end
    AND ad_auctions.bid_usd > 0 AND ad_auctions.price_to_win_usd > 0
GROUP BY
    ad_auctions.auction_id, ad_auctions.user_id, ad_auctions.campaign_id, ad_auctions.is_won, ad_auctions.bid_usd,
    ad_auctions.price_to_win_usd
ORDER BY ad_auctions.auction_id ASC
