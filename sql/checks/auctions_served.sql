-- Shares of won auctions without an impression, and of impressions without a won auction; one row.
WITH won AS (
    SELECT DISTINCT auction_id, user_id
    FROM ad_auctions
    WHERE window_start = :window_start AND is_won
),

shown AS (
    SELECT DISTINCT auction_id, user_id
    FROM stg_events
    WHERE window_start = :window_start AND window_side = 0 AND rejection IS NULL AND event_type = :impression_type
),

sides AS (
    SELECT
        COALESCE(won.auction_id, shown.auction_id) AS auction_id,
        CASE WHEN won.auction_id IS NOT NULL THEN 1 ELSE 0 END AS is_won,
        CASE WHEN shown.auction_id IS NOT NULL THEN 1 ELSE 0 END AS is_shown
    FROM won
    FULL OUTER JOIN shown ON won.auction_id = shown.auction_id AND won.user_id = shown.user_id
)

SELECT
    SUM(is_won) AS n_won,
    SUM(is_shown) AS n_shown,
    CAST(SUM(is_won * (1 - is_shown)) AS DOUBLE) / CAST(SUM(is_won) AS DOUBLE) AS unserved_share,
    CAST(SUM(is_shown * (1 - is_won)) AS DOUBLE) / CAST(SUM(is_shown) AS DOUBLE) AS unwon_share
FROM sides
