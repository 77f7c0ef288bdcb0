-- What the source holds, hour by hour (UTC), before any window is built; one row per hour, and one (NULL) without a usable time.
-- The digest is a sum over rows: it changes with what the hour holds and not with the order or the files it came in.
WITH judged AS (
    SELECT
        canonical_events.*,
        event_at < CAST('1990-01-01' AS TIMESTAMP_NTZ) OR event_at >= :latest_plausible AS is_impossible
    FROM canonical_events
)

SELECT
    CASE WHEN NOT is_impossible THEN DATE_TRUNC('hour', event_at) END AS hour_start,
    COUNT(*) AS n_events,
    COUNT(CASE WHEN event_at IS NULL THEN 1 END) AS n_unparsable_time,
    COUNT(CASE WHEN is_impossible THEN 1 END) AS n_impossible_time,
    MIN(CASE WHEN NOT is_impossible THEN event_at END) AS first_event_at,
    MAX(CASE WHEN NOT is_impossible THEN event_at END) AS last_event_at,
    CAST(
        SUM(
            HASH(
                event_id, user_id, device_id, event_at, event_type, discovery_feature, store_id, store_name,
                primary_tag, primary_category, is_nv, product_id, price_usd, auction_id, ad_id, ad_outcome
            )
        ) AS VARCHAR
    ) AS content_digest
FROM judged
GROUP BY CASE WHEN NOT is_impossible THEN DATE_TRUNC('hour', event_at) END
