-- What the source holds, before any window is built; one row.
SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN event_at IS NULL THEN 1 END) AS n_unparsable_time,
    COUNT(
        CASE
            WHEN event_at < CAST('1990-01-01' AS TIMESTAMP_NTZ) OR event_at >= CAST('2100-01-01' AS TIMESTAMP_NTZ) THEN 1
        END
    ) AS n_impossible_time,
    MIN(
        CASE
            WHEN event_at >= CAST('1990-01-01' AS TIMESTAMP_NTZ) AND event_at < CAST('2100-01-01' AS TIMESTAMP_NTZ)
                THEN event_at
        END
    ) AS first_event_at,
    MAX(
        CASE
            WHEN event_at >= CAST('1990-01-01' AS TIMESTAMP_NTZ) AND event_at < CAST('2100-01-01' AS TIMESTAMP_NTZ)
                THEN event_at
        END
    ) AS last_event_at
FROM canonical_events
