CREATE TABLE session_outcomes (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions are of.',
    session_id VARCHAR COMMENT 'The session.',
    user_id VARCHAR COMMENT 'Whose session it is; NULL where the source does not say.',
    is_converted BOOLEAN COMMENT 'Whether it converted.',
    is_later BOOLEAN COMMENT 'Whether it comes later in time: these sessions are predicted, by models of the others.'
)
COMMENT = 'Which sessions converted, of a table with a row per session. One row per session.'
