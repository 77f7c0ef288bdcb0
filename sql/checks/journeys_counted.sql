-- How many journeys occur twice, have another label or other counts than their events say; one row.
WITH placed AS (
    SELECT
        ad_journeys.journey_id,
        ad_journeys.user_id,
        ad_journeys.day_number,
        ad_journeys.label,
        ad_journeys.n_events,
        ad_journeys.impressions,
        ad_journeys.clicks,
        COUNT(*) OVER (PARTITION BY ad_journeys.user_id, ad_journeys.day_number) AS times
    FROM ad_journeys
    WHERE ad_journeys.window_start = :window_start
),

events AS (
    SELECT
        stg_events.user_id,
        stg_events.event_type,
        DATEDIFF('microsecond', :window_start, stg_events.event_at) AS at_us
    FROM stg_events
    WHERE stg_events.window_side = 0 AND stg_events.rejection IS NULL AND stg_events.event_at < :window_end
),

bought AS (
    SELECT DISTINCT
        events.user_id,
        CAST(FLOOR(events.at_us / 86400000000.0) AS INTEGER) AS day_number
    FROM events
    INNER JOIN event_roles ON events.event_type = event_roles.event_type
    WHERE event_roles.is_conversion AND events.at_us >= 0
),

shown AS (
    SELECT
        placed.journey_id,
        COUNT(*) AS impressions
    FROM placed
    INNER JOIN events
        ON placed.user_id = events.user_id
        AND events.event_type = :impression_type
        AND events.at_us < CAST(placed.day_number AS BIGINT) * 86400000000
        AND events.at_us >= CAST(placed.day_number AS BIGINT) * 86400000000 - :look_back_us
    GROUP BY placed.journey_id
),

listed AS (
    SELECT
        journey_id,
        COUNT(*) AS n_events,
        MAX(event_position) AS last_position
    FROM ad_journey_events
    WHERE window_start = :window_start
    GROUP BY journey_id
),

judged AS (
    SELECT
        placed.journey_id,
        placed.label,
        placed.impressions,
        COALESCE(shown.impressions, 0) AS shown_impressions,
        CASE WHEN placed.times > 1 THEN 1 ELSE 0 END AS is_repeated,
        CASE
            WHEN placed.label <> CASE WHEN bought.user_id IS NOT NULL THEN 1 ELSE 0 END THEN 1 ELSE 0
        END AS is_mislabelled,
        CASE
            WHEN
                placed.impressions <> COALESCE(shown.impressions, 0)
                OR placed.impressions + placed.clicks <> placed.n_events
                OR placed.n_events <> COALESCE(listed.n_events, 0)
                OR COALESCE(listed.n_events, 0) <> COALESCE(listed.last_position, -1) + 1
                THEN 1
            ELSE 0
        END AS is_miscounted
    FROM placed
    LEFT JOIN bought ON placed.user_id = bought.user_id AND placed.day_number = bought.day_number
    LEFT JOIN shown ON placed.journey_id = shown.journey_id
    LEFT JOIN listed ON placed.journey_id = listed.journey_id
)

SELECT
    COUNT(*) AS n_journeys,
    COALESCE(SUM(label), 0) AS n_bought,
    COALESCE(SUM(is_repeated), 0) AS n_not_once,
    COALESCE(SUM(is_mislabelled), 0) AS n_mislabelled,
    COALESCE(SUM(is_miscounted), 0) AS n_miscounted
FROM judged
