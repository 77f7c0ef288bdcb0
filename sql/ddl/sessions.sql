CREATE TABLE sessions (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    session_id VARCHAR COMMENT 'user_device_localdate_n, with % and _ escaped in the ids and no-device for a missing device.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    device_id VARCHAR COMMENT 'On which device; NULL where the source does not say.',
    local_date DATE COMMENT 'Date of its start in the dataset''s time zone.',
    started_at TIMESTAMP_NTZ COMMENT 'Time of its first event (UTC).',
    ended_at TIMESTAMP_NTZ COMMENT 'Time of its last event (UTC).',
    n_events BIGINT COMMENT 'Number of its events.',
    n_events_outside_window BIGINT COMMENT 'Of these, how many lie after the end of the window.',
    is_converted BOOLEAN COMMENT 'Whether it holds a conversion event: the label.',
    converted_at TIMESTAMP_NTZ COMMENT 'Time of its first conversion event (UTC); NULL without one.',
    conversion_event_index BIGINT COMMENT 'event_index of that event; models see only what is before it. NULL without one.',
    is_bot BOOLEAN COMMENT 'More events, or more a minute, than the dataset''s bounds: flagged, kept out of models and funnels.',
    is_censored BOOLEAN COMMENT 'Still open when observation ended, so that its label is unknown.',
    n_no_funnel BIGINT COMMENT 'Number of events before the first conversion and outside the funnel.'
)
COMMENT = 'Sessions that begin in the window, of all users, with their label. One row per session.'
