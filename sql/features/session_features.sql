-- What is known of a session at the moment of its prediction, as numbers; one row per session and feature set.
-- early: its first events, within the first minutes. full: all before the conversion, or to its end. History ends before its start.
-- Bots, sessions still open, and those that had converted by the moment are left out. Nothing to count is 0; nothing to divide by, NULL.
WITH candidates AS (
    SELECT
        session_id,
        user_id,
        device_id,
        local_date,
        started_at,
        is_converted,
        conversion_event_index,
        CONVERT_TIMEZONE('UTC', :time_zone, started_at) AS local_started_at,
        -- Whole days since a Monday.
        MOD(
            CAST(FLOOR(DATEDIFF('microsecond', CAST('1970-01-05' AS TIMESTAMP_NTZ), CAST(local_date AS TIMESTAMP_NTZ))
                / 86400000000.0) AS INTEGER),
            7
        ) AS start_weekday,
        COALESCE(
            conversion_event_index <= :early_events
            AND DATEDIFF('microsecond', started_at, converted_at) <= :early_us,
            FALSE
        ) AS converted_early
    FROM sessions
    WHERE window_start = :window_start AND NOT is_bot AND NOT is_censored
),

feature_sets AS (
    SELECT 'early' AS feature_set
    UNION ALL
    SELECT 'full' AS feature_set
),

seen AS (
    SELECT
        feature_sets.feature_set AS feature_set,
        candidates.session_id AS session_id,
        candidates.started_at AS started_at,
        session_events.event_index AS event_index,
        session_events.event_at AS event_at,
        session_events.event_type AS event_type,
        session_events.discovery_feature AS discovery_feature,
        session_events.store_id AS store_id,
        session_events.primary_category AS primary_category,
        session_events.is_nv AS is_nv,
        session_events.product_id AS product_id,
        session_events.price_usd AS price_usd,
        COALESCE(event_roles.is_view, FALSE) AS is_view,
        COALESCE(event_roles.is_cart, FALSE) AS is_cart,
        COALESCE(event_roles.is_remove, FALSE) AS is_remove,
        COALESCE(event_roles.is_checkout, FALSE) AS is_checkout,
        COALESCE(event_roles.is_funnel, FALSE) AS is_funnel
    FROM session_events
    INNER JOIN candidates ON session_events.session_id = candidates.session_id
    CROSS JOIN feature_sets
    LEFT JOIN event_roles ON session_events.event_type = event_roles.event_type
    WHERE
        session_events.window_start = :window_start
        AND (
            candidates.conversion_event_index IS NULL
            OR session_events.event_index < candidates.conversion_event_index
        )
        AND (
            feature_sets.feature_set = 'full'
            OR (
                NOT candidates.converted_early
                AND session_events.event_index <= :early_events
                AND DATEDIFF('microsecond', candidates.started_at, session_events.event_at) <= :early_us
            )
        )
),

steps AS (
    SELECT
        seen.*,
        LAG(event_at) OVER (PARTITION BY session_id, feature_set ORDER BY event_index) AS previous_at,
        LAG(event_type) OVER (PARTITION BY session_id, feature_set ORDER BY event_index) AS previous_type,
        LAG(primary_category) OVER (PARTITION BY session_id, feature_set ORDER BY event_index) AS previous_category,
        COUNT(*) OVER (PARTITION BY session_id, feature_set) AS n_seen
    FROM seen
),

summed AS (
    SELECT
        session_id,
        feature_set,
        MIN(started_at) AS started_at,
        MAX(event_at) AS last_at,
        COUNT(*) AS n_events,
        MAX(DATEDIFF('microsecond', previous_at, event_at)) AS max_gap_us,
        MAX(
            CASE WHEN event_index = n_seen THEN DATEDIFF('microsecond', previous_at, event_at) END
        ) AS last_gap_us,
        MIN(CASE WHEN is_view THEN event_at END) AS first_view_at,
        MIN(CASE WHEN is_cart THEN event_at END) AS first_cart_at,
        MAX(CASE WHEN is_cart THEN event_at END) AS last_cart_at,
        MIN(CASE WHEN is_checkout THEN event_at END) AS first_checkout_at,
        COUNT(CASE WHEN is_view THEN 1 END) AS n_views,
        COUNT(CASE WHEN is_cart THEN 1 END) AS n_carts,
        COUNT(CASE WHEN is_remove THEN 1 END) AS n_removes,
        COUNT(CASE WHEN is_checkout THEN 1 END) AS n_checkouts,
        COUNT(CASE WHEN is_funnel THEN 1 END) AS n_funnel_events,
        COUNT(discovery_feature) AS n_discoveries,
        COUNT(product_id) AS n_product_events,
        COUNT(store_id) AS n_store_events,
        COUNT(primary_category) AS n_category_events,
        COUNT(DISTINCT event_type) AS n_event_types,
        COUNT(DISTINCT product_id) AS n_products,
        COUNT(DISTINCT store_id) AS n_stores,
        COUNT(DISTINCT primary_category) AS n_categories,
        COUNT(DISTINCT discovery_feature) AS n_discovery_features,
        COUNT(CASE WHEN event_type = previous_type THEN 1 END) AS n_same_type,
        COUNT(CASE WHEN primary_category <> previous_category THEN 1 END) AS n_category_switches,
        AVG(price_usd) AS mean_price_usd,
        MIN(price_usd) AS min_price_usd,
        MAX(price_usd) AS max_price_usd,
        SUM(CASE WHEN is_cart THEN price_usd END) AS cart_value_usd,
        AVG(CAST(CASE WHEN is_nv THEN 1 WHEN NOT is_nv THEN 0 END AS DOUBLE)) AS nv_share
    FROM steps
    GROUP BY session_id, feature_set
),

category_counts AS (
    SELECT
        session_id,
        feature_set,
        primary_category,
        COUNT(*) AS n
    FROM seen
    WHERE primary_category IS NOT NULL
    GROUP BY session_id, feature_set, primary_category
),

top_categories AS (
    SELECT
        session_id,
        feature_set,
        primary_category,
        n,
        ROW_NUMBER() OVER (PARTITION BY session_id, feature_set ORDER BY n DESC, primary_category) AS category_rank
    FROM category_counts
),

product_counts AS (
    SELECT
        session_id,
        feature_set,
        product_id,
        COUNT(*) AS n
    FROM seen
    WHERE product_id IS NOT NULL
    GROUP BY session_id, feature_set, product_id
),

top_products AS (
    SELECT
        session_id,
        feature_set,
        MAX(n) AS n
    FROM product_counts
    GROUP BY session_id, feature_set
),

active AS (
    SELECT DISTINCT user_id
    FROM candidates
),

-- One row per delivered event, as in sessions; from the source, so that no other window has to be made first.
past AS (
    SELECT
        canonical_events.user_id AS user_id,
        CASE WHEN TRIM(canonical_events.device_id) = '' THEN NULL ELSE canonical_events.device_id END AS device_id,
        canonical_events.event_at AS event_at,
        canonical_events.event_id AS event_id,
        MIN(canonical_events.event_type) AS event_type
    FROM canonical_events
    INNER JOIN active ON canonical_events.user_id = active.user_id
    WHERE
        canonical_events.event_at >= :history_start AND canonical_events.event_at < :window_end
        AND canonical_events.event_type IS NOT NULL AND TRIM(canonical_events.event_type) <> ''
    GROUP BY
        canonical_events.user_id,
        CASE WHEN TRIM(canonical_events.device_id) = '' THEN NULL ELSE canonical_events.device_id END,
        canonical_events.event_at,
        canonical_events.event_id
),

past_steps AS (
    SELECT
        past.user_id AS user_id,
        past.device_id AS device_id,
        past.event_at AS event_at,
        COALESCE(event_roles.is_cart, FALSE) AS is_cart,
        COALESCE(event_roles.is_conversion, FALSE) AS is_conversion,
        LAG(past.event_at) OVER (PARTITION BY past.user_id ORDER BY past.event_at, past.event_id) AS previous_at
    FROM past
    LEFT JOIN event_roles ON past.event_type = event_roles.event_type
),

-- Starts of sessions among the events of their users. At one instant the start comes first, so that it sees what is strictly before it.
timeline AS (
    SELECT
        user_id,
        device_id,
        started_at AS moment_at,
        0 AS is_event,
        session_id,
        0 AS is_visit,
        0 AS is_cart,
        0 AS is_conversion
    FROM candidates
    UNION ALL
    SELECT
        user_id,
        device_id,
        event_at AS moment_at,
        1 AS is_event,
        NULL AS session_id,
        CASE
            WHEN previous_at IS NULL OR DATEDIFF('microsecond', previous_at, event_at) > :inactivity_us THEN 1 ELSE 0
        END AS is_visit,
        CASE WHEN is_cart THEN 1 ELSE 0 END AS is_cart,
        CASE WHEN is_conversion THEN 1 ELSE 0 END AS is_conversion
    FROM past_steps
),

running AS (
    SELECT
        session_id,
        moment_at,
        SUM(is_visit) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS visits,
        SUM(is_event) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS events,
        SUM(is_cart) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS carts,
        SUM(is_conversion) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS conversions,
        SUM(is_event) OVER (
            PARTITION BY user_id, device_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS device_events,
        MAX(CASE WHEN is_event = 1 THEN moment_at END) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS last_event_at,
        MAX(CASE WHEN is_conversion = 1 THEN moment_at END) OVER (
            PARTITION BY user_id ORDER BY moment_at, is_event ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS last_conversion_at
    FROM timeline
),

history AS (
    SELECT
        session_id,
        visits,
        events,
        carts,
        conversions,
        device_events,
        DATEDIFF('microsecond', last_event_at, moment_at) AS since_last_event_us,
        DATEDIFF('microsecond', last_conversion_at, moment_at) AS since_last_conversion_us
    FROM running
    WHERE session_id IS NOT NULL
)

SELECT
    :window_start AS window_start,
    summed.session_id AS session_id,
    summed.feature_set AS feature_set,
    candidates.user_id AS user_id,
    candidates.started_at AS started_at,
    CASE
        WHEN summed.feature_set = 'full' OR summed.n_events >= :early_events
            THEN CAST(DATEDIFF('microsecond', summed.started_at, summed.last_at) AS DOUBLE) / 1000000.0
        ELSE CAST(:early_us AS DOUBLE) / 1000000.0
    END AS predicted_after_s,
    candidates.is_converted AS is_converted,
    candidates.device_id IS NOT NULL AS has_device,
    top_categories.primary_category AS main_category,
    EXTRACT(HOUR FROM candidates.local_started_at) AS start_hour,
    candidates.start_weekday AS start_weekday,
    CASE WHEN candidates.start_weekday >= 5 THEN 1 ELSE 0 END AS is_weekend,
    CAST(DATEDIFF('microsecond', summed.started_at, summed.last_at) AS DOUBLE) / 1000000.0 AS seen_s,
    CAST(DATEDIFF('microsecond', summed.started_at, summed.last_at) AS DOUBLE) / 1000000.0
    / NULLIF(summed.n_events - 1, 0) AS mean_gap_s,
    CAST(summed.max_gap_us AS DOUBLE) / 1000000.0 AS max_gap_s,
    CAST(summed.last_gap_us AS DOUBLE) / 1000000.0 AS last_gap_s,
    60000000.0 * summed.n_events
    / GREATEST(CAST(DATEDIFF('microsecond', summed.started_at, summed.last_at) AS DOUBLE), 60000000.0)
        AS events_per_min,
    CAST(DATEDIFF('microsecond', summed.started_at, summed.first_view_at) AS DOUBLE) / 1000000.0 AS start_to_view_s,
    CAST(DATEDIFF('microsecond', summed.first_view_at, summed.first_cart_at) AS DOUBLE) / 1000000.0 AS view_to_cart_s,
    CAST(DATEDIFF('microsecond', summed.first_cart_at, summed.first_checkout_at) AS DOUBLE) / 1000000.0
        AS cart_to_checkout_s,
    CAST(DATEDIFF('microsecond', summed.last_cart_at, summed.last_at) AS DOUBLE) / 1000000.0 AS since_last_cart_s,
    summed.n_events AS n_events,
    summed.n_views AS n_views,
    summed.n_carts AS n_carts,
    summed.n_removes AS n_removes,
    summed.n_checkouts AS n_checkouts,
    summed.n_funnel_events AS n_funnel_events,
    summed.n_discoveries AS n_discoveries,
    summed.n_product_events AS n_product_events,
    CAST(summed.n_views AS DOUBLE) / summed.n_events AS view_share,
    CAST(summed.n_carts AS DOUBLE) / NULLIF(summed.n_views, 0) AS carts_per_view,
    CAST(summed.n_removes AS DOUBLE) / NULLIF(summed.n_carts, 0) AS removes_per_cart,
    CAST(summed.n_funnel_events AS DOUBLE) / summed.n_events AS funnel_share,
    CAST(summed.n_discoveries AS DOUBLE) / summed.n_events AS discovery_share,
    summed.n_event_types AS n_event_types,
    summed.n_products AS n_products,
    summed.n_stores AS n_stores,
    summed.n_categories AS n_categories,
    summed.n_discovery_features AS n_discovery_features,
    CAST(summed.n_stores AS DOUBLE) / NULLIF(summed.n_store_events, 0) AS store_diversity,
    1.0 - CAST(summed.n_products AS DOUBLE) / NULLIF(summed.n_product_events, 0) AS repeated_product_share,
    CAST(summed.n_same_type AS DOUBLE) / NULLIF(summed.n_events - 1, 0) AS repeated_type_share,
    COALESCE(top_products.n, 0) AS max_events_of_product,
    CAST(top_categories.n AS DOUBLE) / NULLIF(summed.n_category_events, 0) AS main_category_share,
    summed.n_category_switches AS n_category_switches,
    summed.mean_price_usd AS mean_price_usd,
    summed.max_price_usd AS max_price_usd,
    summed.max_price_usd - summed.min_price_usd AS price_range_usd,
    COALESCE(summed.cart_value_usd, 0.0) AS cart_value_usd,
    summed.nv_share AS nv_share,
    history.visits AS user_visits_before,
    history.events AS user_events_before,
    history.carts AS user_carts_before,
    history.conversions AS user_conversions_before,
    CAST(history.conversions AS DOUBLE) / NULLIF(history.visits, 0) AS user_conversion_rate_before,
    history.device_events AS device_events_before,
    CAST(history.since_last_event_us AS DOUBLE) / 3600000000.0 AS since_last_event_h,
    CAST(history.since_last_conversion_us AS DOUBLE) / 3600000000.0 AS since_last_conversion_h
FROM summed
INNER JOIN candidates ON summed.session_id = candidates.session_id
INNER JOIN history ON summed.session_id = history.session_id
LEFT JOIN top_products
    ON summed.session_id = top_products.session_id AND summed.feature_set = top_products.feature_set
LEFT JOIN top_categories
    ON summed.session_id = top_categories.session_id
    AND summed.feature_set = top_categories.feature_set
    AND top_categories.category_rank = 1
