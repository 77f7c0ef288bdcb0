CREATE TABLE conversion_predictions (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the session began in.',
    session_id VARCHAR COMMENT 'The session.',
    conversion_probability DOUBLE COMMENT 'Calibrated probability that it converts, from all that it held before its conversion, or to its end (feature set full): in real time it is known when the session ends.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    label INTEGER COMMENT '1: the session converted, 0: it did not.',
    decile BIGINT COMMENT 'Tenth of the window''s sessions by conversion_probability, 1 the highest; equal probabilities share a decile.',
    risk_segment VARCHAR COMMENT 'high: decile 1, medium: 2 to 4, low: 5 to 10, by probability to convert.',
    is_targeted BOOLEAN COMMENT 'Whether it is among the share with the highest probabilities (conversion.targeted_share).',
    reason_1 VARCHAR COMMENT 'Of a targeted session, what raises its log-odds most: feature = value (effect in log-odds). `attribution reasons` has all of them, for any session.',
    reason_2 VARCHAR COMMENT 'What raises them second most; NULL where nothing else does.',
    reason_3 VARCHAR COMMENT 'What raises them third most.',
    early_probability DOUBLE COMMENT 'Calibrated probability from its first events alone (feature set early), known while it goes on; NULL where it had converted by then.',
    model VARCHAR COMMENT 'The model behind conversion_probability, with the window it was trained for.'
)
COMMENT = 'Probability that each session converts; all users, no bots, none still open, at least one event before the conversion. One row per session.'
