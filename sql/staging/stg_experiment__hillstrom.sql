-- Hillstrom's e-mail experiment, outcomes and what was known before; one row per customer.
-- The source has no ids: equal lines are numbered, so that ids don't depend on the order of lines. Nobody can be told from them.
SELECT
    CONCAT(
        MD5(
            CONCAT(
                COALESCE(CAST(raw_events.recency AS VARCHAR), ''), '|', COALESCE(CAST(raw_events.history AS VARCHAR), ''), '|',
                COALESCE(CAST(raw_events.mens AS VARCHAR), ''), '|', COALESCE(CAST(raw_events.womens AS VARCHAR), ''), '|',
                COALESCE(CAST(raw_events.zip_code AS VARCHAR), ''), '|', COALESCE(CAST(raw_events.newbie AS VARCHAR), ''), '|',
                COALESCE(CAST(raw_events.channel AS VARCHAR), ''), '|', COALESCE(CAST(raw_events.segment AS VARCHAR), ''), '|',
                COALESCE(CAST(raw_events.visit AS VARCHAR), ''), '|', COALESCE(CAST(raw_events.conversion AS VARCHAR), ''), '|',
                COALESCE(CAST(raw_events.spend AS VARCHAR), '')
            )
        ),
        '-',
        CAST(
            ROW_NUMBER() OVER (
                PARTITION BY
                    raw_events.recency, raw_events.history, raw_events.mens, raw_events.womens, raw_events.zip_code,
                    raw_events.newbie, raw_events.channel, raw_events.segment, raw_events.visit, raw_events.conversion,
                    raw_events.spend
                ORDER BY raw_events.segment ASC
            ) AS VARCHAR
        )
    ) AS unit_id,
    CAST(NULL AS VARCHAR) AS user_id,
    CAST(raw_events.segment AS VARCHAR) AS arm,
    TRY_CAST(CAST(raw_events.visit AS VARCHAR) AS BIGINT) AS visit,
    TRY_CAST(CAST(raw_events.conversion AS VARCHAR) AS BIGINT) AS conversion,
    TRY_CAST(CAST(raw_events.spend AS VARCHAR) AS DOUBLE) AS revenue_usd,
    TRY_CAST(CAST(raw_events.recency AS VARCHAR) AS DOUBLE) AS recency,
    TRY_CAST(CAST(raw_events.history AS VARCHAR) AS DOUBLE) AS history,
    TRY_CAST(CAST(raw_events.mens AS VARCHAR) AS DOUBLE) AS bought_mens,
    TRY_CAST(CAST(raw_events.womens AS VARCHAR) AS DOUBLE) AS bought_womens,
    TRY_CAST(CAST(raw_events.newbie AS VARCHAR) AS DOUBLE) AS is_new,
    CAST(raw_events.zip_code AS VARCHAR) AS zip_code,
    CAST(raw_events.channel AS VARCHAR) AS channel
FROM raw_events
