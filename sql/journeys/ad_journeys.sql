-- Users at the start of each day of the window, if they were seen in the look-back before it; one row per user and day.
-- The label is whether the user bought on that day. The last day has the hour by which summer time lengthens a window in autumn. Auctions are those of the look-back, won and lost.
WITH accepted AS (
    SELECT
        stg_events.user_id,
        DATEDIFF('microsecond', :window_start, stg_events.event_at) AS at_us,
        COALESCE(event_roles.is_conversion, FALSE) AS is_purchase,
        CASE WHEN event_roles.is_conversion THEN COALESCE(stg_events.price_usd, 0) ELSE 0 END AS revenue_usd
    FROM stg_events
    LEFT JOIN event_roles ON stg_events.event_type = event_roles.event_type
    WHERE
        stg_events.window_side = 0 AND stg_events.rejection IS NULL
        AND stg_events.event_at >= :history_start AND stg_events.event_at < :window_end
),

days AS (
    SELECT DISTINCT LEAST(CAST(FLOOR(at_us / 86400000000.0) AS INTEGER), :n_days - 1) AS day_number
    FROM accepted
    WHERE at_us >= 0
),

at_risk AS (
    SELECT
        accepted.user_id,
        days.day_number,
        COUNT(*) AS history_events
    FROM accepted
    INNER JOIN days
        ON accepted.at_us < CAST(days.day_number AS BIGINT) * 86400000000
        AND accepted.at_us >= CAST(days.day_number AS BIGINT) * 86400000000 - :look_back_us
    WHERE days.day_number >= :first_day AND days.day_number < :n_days
    GROUP BY accepted.user_id, days.day_number
    HAVING COUNT(*) >= :min_history_events
),

bought AS (
    SELECT
        user_id,
        LEAST(CAST(FLOOR(at_us / 86400000000.0) AS INTEGER), :n_days - 1) AS day_number,
        COUNT(*) AS purchases,
        SUM(revenue_usd) AS revenue_usd
    FROM accepted
    WHERE is_purchase AND at_us >= 0
    GROUP BY user_id, LEAST(CAST(FLOOR(at_us / 86400000000.0) AS INTEGER), :n_days - 1)
),

auctions AS (
    SELECT
        at_risk.user_id,
        at_risk.day_number,
        COUNT(*) AS auctions,
        COUNT(CASE WHEN ad_auctions.is_won THEN 1 END) AS auctions_won,
        AVG(ad_auctions.relevance) AS mean_relevance
    FROM at_risk
    INNER JOIN ad_auctions ON at_risk.user_id = ad_auctions.user_id
    WHERE
        ad_auctions.held_at >= :history_start AND ad_auctions.held_at < :window_end
        AND DATEDIFF('microsecond', :window_start, ad_auctions.held_at)
        < CAST(at_risk.day_number AS BIGINT) * 86400000000
        AND DATEDIFF('microsecond', :window_start, ad_auctions.held_at)
        >= CAST(at_risk.day_number AS BIGINT) * 86400000000 - :look_back_us
    GROUP BY at_risk.user_id, at_risk.day_number
),

seen AS (
    SELECT
        journey_id,
        COUNT(*) AS n_events,
        COUNT(CASE WHEN event_type = 'impression' THEN 1 END) AS impressions,
        COUNT(CASE WHEN event_type = 'click' THEN 1 END) AS clicks
    FROM ad_journey_events
    WHERE window_start = :window_start
    GROUP BY journey_id
),

named AS (
    SELECT
        at_risk.*,
        CONCAT(at_risk.user_id, '_', CAST(CAST(:window_start AS DATE) AS VARCHAR), '_', CAST(at_risk.day_number AS VARCHAR)) AS journey_id
    FROM at_risk
)

SELECT
    :window_start AS window_start,
    named.journey_id,
    named.user_id,
    named.day_number,
    CASE WHEN bought.purchases > 0 THEN 1 ELSE 0 END AS label,
    COALESCE(bought.purchases, 0) AS purchases,
    COALESCE(bought.revenue_usd, 0) AS revenue_usd,
    named.history_events,
    COALESCE(seen.n_events, 0) AS n_events,
    COALESCE(seen.impressions, 0) AS impressions,
    COALESCE(seen.clicks, 0) AS clicks,
    COALESCE(auctions.auctions, 0) AS auctions,
    COALESCE(auctions.auctions_won, 0) AS auctions_won,
    auctions.mean_relevance
FROM named
LEFT JOIN bought ON named.user_id = bought.user_id AND named.day_number = bought.day_number
LEFT JOIN auctions ON named.user_id = auctions.user_id AND named.day_number = auctions.day_number
LEFT JOIN seen ON named.journey_id = seen.journey_id
