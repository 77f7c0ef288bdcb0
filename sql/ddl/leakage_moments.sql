CREATE TABLE leakage_moments (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    session_id VARCHAR COMMENT 'The session.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    label INTEGER COMMENT '1 if it converted, else 0.',
    cut_at BIGINT COMMENT 'How many of its first events, of any type, lie before the moment of comparison: for a converted session the conversion, for another as many as its case has.'
)
COMMENT = 'Sessions compared in the search for leakage: converted ones just before their conversion, and others cut at as many events of any type. Not the risk set, which needs to know the funnel. One row per session.'
