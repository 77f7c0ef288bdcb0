CREATE TABLE session_attributes (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions are of.',
    session_id VARCHAR COMMENT 'The session.',
    user_id VARCHAR COMMENT 'Whose session it is; NULL where the source does not say.',
    attribute VARCHAR COMMENT 'A column of the source that conversion is predicted from.',
    number DOUBLE COMMENT 'Its value where it is a number; NULL where it is missing or a category.',
    category VARCHAR COMMENT 'Its value where it is a category; NULL where it is missing or a number.'
)
COMMENT = 'What the source says of each session, of a table with a row per session. One row per session and attribute.'
