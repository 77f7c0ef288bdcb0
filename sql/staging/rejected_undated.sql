-- Lines that could not be read, and rows without a usable time: they belong to no window; one row per line or row.
SELECT
    CAST(NULL AS TIMESTAMP_NTZ) AS window_start,
    'malformed_line' AS reason,
    CAST(NULL AS VARCHAR) AS event_id,
    CAST(NULL AS VARCHAR) AS user_id,
    CAST(NULL AS VARCHAR) AS device_id,
    CAST(NULL AS TIMESTAMP_NTZ) AS event_at,
    CAST(NULL AS VARCHAR) AS event_at_raw,
    CAST(NULL AS VARCHAR) AS event_type,
    CONCAT(file_name, ', line ', CAST(line AS VARCHAR), ': ', problem, ' ', line_text) AS detail
FROM malformed_lines
UNION ALL
SELECT
    CAST(NULL AS TIMESTAMP_NTZ) AS window_start,
    CASE WHEN event_at IS NULL THEN 'unparsable_time' ELSE 'impossible_time' END AS reason,
    event_id,
    user_id,
    device_id,
    event_at,
    event_at_raw,
    event_type,
    CASE
        WHEN event_at_raw IS NULL THEN 'the time is empty'
        WHEN event_at IS NULL THEN 'the time cannot be read'
        ELSE 'the time lies before 1990 or in the future'
    END AS detail
FROM canonical_events
WHERE
    event_at IS NULL
    OR event_at < CAST('1990-01-01' AS TIMESTAMP_NTZ) OR event_at >= :latest_plausible
