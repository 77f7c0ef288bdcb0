-- The events of the sessions that begin in the window, numbered from 1 in each session; one row per event.
-- A session's id is user_device_date_n: local date of its start, n counts the user's sessions on that device and date.
-- May be computed in parts, by user_id of stg_events.
WITH starts AS (
    SELECT
        user_id,
        device_id,
        chain_started_at,
        device_position,
        CAST(CAST(CONVERT_TIMEZONE('UTC', :time_zone, chain_started_at) AS DATE) AS VARCHAR) AS local_date
    FROM stg_events
    WHERE window_start = :window_start AND is_chain_start AND window_side = 0
),

-- The separator is escaped inside ids, and so is a device that is called no-device.
named AS (
    SELECT
        starts.*,
        CONCAT(
            REPLACE(REPLACE(user_id, '%', '%25'), '_', '%5F'), '_',
            CASE
                WHEN device_id IS NULL THEN 'no-device'
                WHEN device_id = 'no-device' THEN 'no%2Ddevice'
                ELSE REPLACE(REPLACE(device_id, '%', '%25'), '_', '%5F')
            END, '_',
            local_date, '_',
            CAST(
                ROW_NUMBER() OVER (PARTITION BY user_id, device_id, local_date ORDER BY chain_started_at) AS VARCHAR
            )
        ) AS session_id
    FROM starts
)

SELECT
    stg_events.window_start AS window_start,
    named.session_id AS session_id,
    stg_events.device_position - named.device_position + 1 AS event_index,
    stg_events.event_id AS event_id,
    stg_events.user_id AS user_id,
    stg_events.device_id AS device_id,
    stg_events.event_at AS event_at,
    stg_events.event_type AS event_type,
    stg_events.discovery_feature AS discovery_feature,
    stg_events.store_id AS store_id,
    stg_events.store_name AS store_name,
    stg_events.primary_tag AS primary_tag,
    stg_events.primary_category AS primary_category,
    stg_events.is_nv AS is_nv,
    stg_events.product_id AS product_id,
    stg_events.price_usd AS price_usd,
    stg_events.auction_id AS auction_id,
    stg_events.ad_id AS ad_id,
    stg_events.ad_outcome AS ad_outcome
FROM stg_events
INNER JOIN named
    ON stg_events.user_id = named.user_id
    AND stg_events.device_id IS NOT DISTINCT FROM named.device_id
    AND stg_events.chain_started_at = named.chain_started_at
WHERE stg_events.window_start = :window_start AND stg_events.rejection IS NULL
