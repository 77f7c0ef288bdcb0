-- The window's events with the reason for a rejection, and the chain of activity each belongs to; one row per event.
-- Also the later events of sessions that begin in the window. Reads [scan_start, scan_end): enough to decide locally.
-- May be computed in parts, by user_id of dated.
WITH dated AS (
    SELECT
        event_id,
        CASE WHEN TRIM(user_id) = '' THEN NULL ELSE user_id END AS user_id,
        CASE WHEN TRIM(device_id) = '' THEN NULL ELSE device_id END AS device_id,
        event_at,
        CASE WHEN TRIM(event_type) = '' THEN NULL ELSE event_type END AS event_type,
        discovery_feature,
        store_id,
        store_name,
        primary_tag,
        primary_category,
        is_nv,
        product_id,
        price_usd,
        auction_id,
        ad_id,
        ad_outcome,
        CASE
            WHEN user_id IS NULL OR TRIM(user_id) = '' THEN 'null_user'
            WHEN event_type IS NULL OR TRIM(event_type) = '' THEN 'empty_event_type'
        END AS defect
    FROM canonical_events
    WHERE
        event_at >= :scan_start AND event_at < :scan_end
        AND event_at >= CAST('1990-01-01' AS TIMESTAMP_NTZ) AND event_at < CAST('2100-01-01' AS TIMESTAMP_NTZ)
),

-- Ordered by time, id and type; the type only makes the choice among deliveries of one id reproducible.
neighbours AS (
    SELECT
        dated.*,
        LAG(event_at) OVER (
            PARTITION BY user_id, device_id, defect ORDER BY event_at, event_id, event_type
        ) AS previous_at,
        LAG(event_id) OVER (
            PARTITION BY user_id, device_id, defect ORDER BY event_at, event_id, event_type
        ) AS previous_id,
        ROW_NUMBER() OVER (
            PARTITION BY user_id, device_id, defect ORDER BY event_at, event_id, event_type
        ) AS delivery_position
    FROM dated
),

starts AS (
    SELECT
        neighbours.*,
        CASE
            WHEN defect IS NOT NULL THEN defect
            WHEN previous_at = event_at AND previous_id = event_id THEN 'duplicate_delivery'
        END AS rejection,
        -- In the first timeout after scan_start an event may look like a start because the one before it was not read.
        -- That does no harm: what follows in the window comes more than the longest session later either way.
        defect IS NULL
        AND (
            previous_at IS NULL OR DATEDIFF('microsecond', previous_at, event_at) > :inactivity_us
        ) AS is_chain_start
    FROM neighbours
),

chains AS (
    SELECT
        starts.*,
        MAX(CASE WHEN is_chain_start THEN event_at END) OVER (
            PARTITION BY user_id, device_id, rejection ORDER BY delivery_position
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS chain_started_at,
        ROW_NUMBER() OVER (
            PARTITION BY user_id, device_id, rejection ORDER BY delivery_position
        ) AS device_position
    FROM starts
),

classified AS (
    SELECT
        chains.*,
        CASE
            WHEN rejection IS NOT NULL THEN rejection
            -- A chain whose start isn't visible began before the longest session could have.
            WHEN chain_started_at IS NULL THEN 'beyond_max_session_length'
            WHEN DATEDIFF('microsecond', chain_started_at, event_at) > :max_session_us
                THEN 'beyond_max_session_length'
        END AS final_rejection
    FROM chains
    WHERE event_at >= :window_start
)

SELECT
    :window_start AS window_start,
    CASE WHEN event_at < :window_end THEN 0 ELSE 1 END AS window_side,
    event_id,
    user_id,
    device_id,
    event_at,
    event_type,
    discovery_feature,
    store_id,
    store_name,
    primary_tag,
    primary_category,
    is_nv,
    product_id,
    price_usd,
    auction_id,
    ad_id,
    ad_outcome,
    final_rejection AS rejection,
    CASE WHEN final_rejection IS NULL THEN chain_started_at END AS chain_started_at,
    is_chain_start,
    device_position
FROM classified
WHERE
    event_at < :window_end
    OR (final_rejection IS NULL AND chain_started_at >= :window_start AND chain_started_at < :window_end)
