CREATE TABLE rejected_events (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC); NULL for a row without a usable time.',
    reason VARCHAR COMMENT 'malformed_line, unparsable_time, impossible_time (before 1990 or in the future), null_user, empty_event_type, duplicate_delivery or beyond_max_session_length.',
    event_id VARCHAR COMMENT 'Id of the event as delivered; made from the row where the source has none.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    device_id VARCHAR COMMENT 'On which device; NULL where the source does not say.',
    event_at TIMESTAMP_NTZ COMMENT 'When it happened (UTC).',
    event_at_raw VARCHAR COMMENT 'The time as the source gave it, where it could not be used.',
    event_type VARCHAR COMMENT 'What happened, as in the source.',
    detail VARCHAR COMMENT 'What exactly was wrong, and where it stands in the file for a malformed line.'
)
COMMENT = 'Rows of the source that enter no session, with the reason; each is counted in the window it lies in, or as undated. One row per rejected row or line.'
