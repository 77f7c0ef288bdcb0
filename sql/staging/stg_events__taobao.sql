-- Taobao user behaviour in canonical columns; one row per line of the source.
-- The source has no ids: equal lines get equal ids, so that an exact duplicate is recognised.
SELECT
    CONCAT(
        COALESCE(CAST(raw_events.user_id AS VARCHAR), ''), '-', COALESCE(CAST(raw_events.ts AS VARCHAR), ''), '-',
        COALESCE(CAST(raw_events.item_id AS VARCHAR), ''), '-',
        COALESCE(CAST(raw_events.category_id AS VARCHAR), ''), '-',
        COALESCE(CAST(raw_events.behavior AS VARCHAR), '')
    ) AS event_id,
    CAST(raw_events.user_id AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    -- Seconds since 1970; a number outside the years 1 to 9999 is no time.
    CASE
        WHEN TRY_CAST(CAST(raw_events.ts AS VARCHAR) AS BIGINT) BETWEEN -62135596800 AND 253402300799
            THEN TO_TIMESTAMP_NTZ(1000 * TRY_CAST(CAST(raw_events.ts AS VARCHAR) AS BIGINT), 3)
    END AS event_at,
    CAST(raw_events.ts AS VARCHAR) AS event_at_raw,
    CAST(raw_events.behavior AS VARCHAR) AS event_type,
    CAST(NULL AS VARCHAR) AS discovery_feature,
    CAST(NULL AS VARCHAR) AS store_id,
    CAST(NULL AS VARCHAR) AS store_name,
    CAST(NULL AS VARCHAR) AS primary_tag,
    CAST(raw_events.category_id AS VARCHAR) AS primary_category,
    CAST(NULL AS BOOLEAN) AS is_nv,
    CAST(raw_events.item_id AS VARCHAR) AS product_id,
    CAST(NULL AS DOUBLE) AS price_usd,
    CAST(NULL AS VARCHAR) AS auction_id,
    CAST(NULL AS VARCHAR) AS ad_id,
    CAST(NULL AS VARCHAR) AS ad_outcome
FROM raw_events
