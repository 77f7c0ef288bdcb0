-- What a user saw of ads in the look-back before each day of the window; one row per journey and ad event.
-- A journey is a user at the start of a day, and ends there: nothing of the day itself, on which the purchase may come, is in it.
-- A click stands with its impression (of the same auction; where there are no auctions, the latest of its campaign), or not at all.
-- An event is known by user, time and id: a source may number each user's events from 1.
WITH ads AS (
    SELECT
        event_id,
        user_id,
        event_at,
        event_type,
        auction_id,
        ad_id,
        product_id,
        price_usd,
        DATEDIFF('microsecond', :window_start, event_at) AS at_us,
        CASE :campaign_column
            WHEN 'primary_tag' THEN primary_tag
            WHEN 'discovery_feature' THEN discovery_feature
            WHEN 'store_id' THEN store_id
            WHEN 'ad_id' THEN ad_id
        END AS campaign_id,
        CASE :ad_type_column
            WHEN 'primary_tag' THEN primary_tag
            WHEN 'discovery_feature' THEN discovery_feature
            WHEN 'primary_category' THEN primary_category
        END AS ad_type
    FROM stg_events
    WHERE
        window_side = 0 AND rejection IS NULL AND event_at >= :history_start AND event_at < :window_end
        AND event_type IN (:impression_type, :click_type)
),

clicks AS (
    SELECT
        clicked.event_id,
        clicked.user_id,
        clicked.event_at,
        clicked.at_us,
        shown.event_id AS impression_id,
        shown.event_at AS impression_at,
        ROW_NUMBER() OVER (
            PARTITION BY clicked.user_id, clicked.event_at, clicked.event_id ORDER BY shown.event_at DESC, shown.event_id DESC
        ) AS place
    FROM ads AS clicked
    INNER JOIN ads AS shown
        ON clicked.user_id = shown.user_id
        AND shown.event_type = :impression_type
        AND shown.event_at <= clicked.event_at
        AND (
            clicked.auction_id = shown.auction_id
            OR (clicked.auction_id IS NULL AND clicked.campaign_id = shown.campaign_id)
        )
    WHERE clicked.event_type = :click_type
),

-- Everything about a click but its time is its impression's.
seen AS (
    SELECT
        event_id, event_id AS impression_id, user_id, event_at, at_us, at_us AS shown_us, 'impression' AS ad_event,
        campaign_id, ad_id, ad_type, product_id, price_usd AS cost_usd
    FROM ads
    WHERE event_type = :impression_type

    UNION ALL

    SELECT
        clicks.event_id, clicks.impression_id, ads.user_id, clicks.event_at, clicks.at_us, ads.at_us AS shown_us,
        'click' AS ad_event, ads.campaign_id, ads.ad_id, ads.ad_type, ads.product_id, CAST(0 AS DOUBLE) AS cost_usd
    FROM clicks
    INNER JOIN ads
        ON clicks.user_id = ads.user_id
        AND clicks.impression_at = ads.event_at
        AND clicks.impression_id = ads.event_id
    WHERE clicks.place = 1 AND ads.event_type = :impression_type
),

days AS (
    SELECT DISTINCT
        LEAST(CAST(FLOOR(DATEDIFF('microsecond', :window_start, event_at) / 86400000000.0) AS INTEGER), :n_days - 1) AS day_number
    FROM stg_events
    WHERE window_start = :window_start AND window_side = 0
),

placed AS (
    SELECT
        seen.*,
        days.day_number,
        CAST(days.day_number AS BIGINT) * 86400000000 AS day_us,
        ROW_NUMBER() OVER (
            PARTITION BY seen.user_id, days.day_number ORDER BY seen.event_at, seen.event_id
        ) - 1 AS event_position
    FROM seen
    INNER JOIN days
        ON seen.at_us < CAST(days.day_number AS BIGINT) * 86400000000
        AND seen.shown_us >= CAST(days.day_number AS BIGINT) * 86400000000 - :look_back_us
    WHERE days.day_number >= :first_day AND days.day_number < :n_days
)

SELECT
    :window_start AS window_start,
    CONCAT(user_id, '_', CAST(CAST(:window_start AS DATE) AS VARCHAR), '_', CAST(day_number AS VARCHAR)) AS journey_id,
    event_position,
    user_id,
    event_at,
    ad_event AS event_type,
    COALESCE(campaign_id, '(no campaign)') AS campaign_id,
    ad_id,
    ad_type,
    product_id,
    cost_usd,
    (day_us - at_us) / 3600000000.0 AS hours_before,
    -- Numbers the impressions of the journey; a click bears its impression's number.
    DENSE_RANK() OVER (PARTITION BY user_id, day_number ORDER BY shown_us, impression_id) AS exposure
FROM placed
