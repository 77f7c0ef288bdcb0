-- Marketplace events in canonical columns; one row per row of the source.
-- A source without event ids gets one from the columns that tell events apart: equal rows are one delivery too many.
SELECT
    COALESCE(
        CAST(raw_events.event_id AS VARCHAR),
        MD5(CONCAT(
            COALESCE(CAST(raw_events.user_id AS VARCHAR), ''), '|',
            COALESCE(CAST(raw_events.device_id AS VARCHAR), ''), '|',
            COALESCE(CAST(raw_events.event_at AS VARCHAR), ''), '|',
            COALESCE(CAST(raw_events.event_type AS VARCHAR), ''), '|',
            COALESCE(CAST(raw_events.store_id AS VARCHAR), ''), '|',
            COALESCE(CAST(raw_events.product_id AS VARCHAR), '')
        ))
    ) AS event_id,
    CAST(raw_events.user_id AS VARCHAR) AS user_id,
    CAST(raw_events.device_id AS VARCHAR) AS device_id,
    TRY_CAST(CAST(raw_events.event_at AS VARCHAR) AS TIMESTAMP_NTZ) AS event_at,
    CAST(raw_events.event_at AS VARCHAR) AS event_at_raw,
    CAST(raw_events.event_type AS VARCHAR) AS event_type,
    CAST(raw_events.discovery_feature AS VARCHAR) AS discovery_feature,
    CAST(raw_events.store_id AS VARCHAR) AS store_id,
    CAST(raw_events.store_name AS VARCHAR) AS store_name,
    CAST(raw_events.primary_tag AS VARCHAR) AS primary_tag,
    CAST(raw_events.primary_category AS VARCHAR) AS primary_category,
    TRY_CAST(CAST(raw_events.is_nv AS VARCHAR) AS BOOLEAN) AS is_nv,
    CAST(raw_events.product_id AS VARCHAR) AS product_id,
    TRY_CAST(CAST(raw_events.price_usd AS VARCHAR) AS DOUBLE) AS price_usd,
    CAST(NULL AS VARCHAR) AS auction_id,
    CAST(NULL AS VARCHAR) AS ad_id,
    CAST(NULL AS VARCHAR) AS ad_outcome
FROM raw_events
