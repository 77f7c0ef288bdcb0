CREATE TABLE risk_set (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    session_id VARCHAR COMMENT 'The session.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    label INTEGER COMMENT '1 if it converted, else 0.',
    n_no_funnel BIGINT COMMENT 'Its number of events before the conversion and outside the funnel.',
    cut_at BIGINT COMMENT 'How many of these are kept: for a control, as many as its case has.',
    in_risk_set BOOLEAN COMMENT 'Whether it takes part in training and averages: a case with a control, a matched control, or everything where nothing is cut.',
    matched_case VARCHAR COMMENT 'session_id of the case it is matched to, itself for a case; NULL outside the risk set and where nothing is cut.'
)
COMMENT = 'Sessions that models are trained and explained on: sampled, no bots, closed, with something before the conversion. One row per session.'
