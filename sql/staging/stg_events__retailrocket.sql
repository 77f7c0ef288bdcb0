-- RetailRocket events in canonical columns, each with its item's properties as known when it happened; one row per line.
-- Numbers carry a leading n. 790 is the property that readers of this data take for the price (its currency is unknown).
WITH properties AS (
    SELECT
        CAST(raw_item_properties.itemid AS VARCHAR) AS product_id,
        CAST(raw_item_properties.property AS VARCHAR) AS property,
        LTRIM(CAST(raw_item_properties.value AS VARCHAR), 'n') AS property_value,
        TRY_CAST(CAST(raw_item_properties.timestamp AS VARCHAR) AS BIGINT) AS known_from_ms
    FROM raw_item_properties
    WHERE CAST(raw_item_properties.property AS VARCHAR) IN ('categoryid', '790')
),

-- A value holds until the next one is known. Of two known at one instant the greater holds.
spans AS (
    SELECT
        product_id,
        property,
        property_value,
        known_from_ms,
        LEAD(known_from_ms) OVER (
            PARTITION BY product_id, property ORDER BY known_from_ms, property_value
        ) AS known_until_ms
    FROM properties
    WHERE known_from_ms IS NOT NULL
),

parents AS (
    SELECT
        CAST(raw_category_tree.categoryid AS VARCHAR) AS category,
        MIN(CAST(raw_category_tree.parentid AS VARCHAR)) AS parent
    FROM raw_category_tree
    GROUP BY CAST(raw_category_tree.categoryid AS VARCHAR)
),

events AS (
    SELECT
        CAST(raw_events.visitorid AS VARCHAR) AS user_id,
        CAST(raw_events.event AS VARCHAR) AS event_type,
        CAST(raw_events.itemid AS VARCHAR) AS product_id,
        CAST(raw_events.transactionid AS VARCHAR) AS transaction_id,
        CAST(raw_events.timestamp AS VARCHAR) AS event_at_raw,
        TRY_CAST(CAST(raw_events.timestamp AS VARCHAR) AS BIGINT) AS event_at_ms
    FROM raw_events
)

SELECT
    -- The source has no ids: equal lines get equal ids, so that an exact duplicate is recognised.
    CONCAT(
        COALESCE(events.user_id, ''), '-', COALESCE(events.event_at_raw, ''), '-', COALESCE(events.product_id, ''), '-',
        COALESCE(events.event_type, ''), '-', COALESCE(events.transaction_id, '')
    ) AS event_id,
    events.user_id AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    CASE
        WHEN events.event_at_ms BETWEEN -62135596800000 AND 253402300799999
            THEN TO_TIMESTAMP_NTZ(events.event_at_ms, 3)
    END AS event_at,
    events.event_at_raw AS event_at_raw,
    events.event_type AS event_type,
    CAST(NULL AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    parents.parent AS primary_tag,
    categories.property_value AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    events.product_id AS product_id,
    TRY_CAST(prices.property_value AS DOUBLE) AS price_usd,
    CAST(NULL AS VARCHAR) AS auction_id,
    CAST(NULL AS VARCHAR) AS ad_id,
    CAST(NULL AS VARCHAR) AS ad_outcome
FROM events
LEFT JOIN spans AS categories
    ON events.product_id = categories.product_id
    AND categories.property = 'categoryid'
    AND events.event_at_ms >= categories.known_from_ms
    AND (categories.known_until_ms IS NULL OR events.event_at_ms < categories.known_until_ms)
LEFT JOIN spans AS prices
    ON events.product_id = prices.product_id
    AND prices.property = '790'
    AND events.event_at_ms >= prices.known_from_ms
    AND (prices.known_until_ms IS NULL OR events.event_at_ms < prices.known_until_ms)
LEFT JOIN parents
    ON categories.property_value = parents.category
