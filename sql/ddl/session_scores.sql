CREATE TABLE session_scores_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the session began in.',
    session_id VARCHAR COMMENT 'The session.',
    probability DOUBLE COMMENT 'Calibrated probability that it converts, from what the variant sees before the conversion.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    label INTEGER COMMENT '1: the session converted, 0: it did not, or not yet where it is still open.',
    logit DOUBLE COMMENT 'What the model says before calibration; the base rate''s of a session of which it reads nothing.',
    n_read INTEGER COMMENT 'Events that the model read.',
    n_unknown INTEGER COMMENT 'Of these, events of a type that the model has not learnt: absent from its training or too rare there.',
    reason_1 VARCHAR COMMENT 'Type of the event that moved the logit most, by the size of its centred attribution.',
    reason_1_attribution DOUBLE COMMENT 'Its signed attribution in logits; negative: it lowered the prediction.',
    reason_2 VARCHAR COMMENT 'The second; NULL where there is none.',
    reason_2_attribution DOUBLE COMMENT 'Its signed attribution in logits.',
    reason_3 VARCHAR COMMENT 'The third.',
    reason_3_attribution DOUBLE COMMENT 'Its signed attribution in logits.',
    model VARCHAR COMMENT 'Name and version of the champion that scored it.',
    is_new BOOLEAN COMMENT 'Whether the champion cannot have learnt from the session: it was trained for this window or an earlier one.'
)
COMMENT = 'Scores of the window by the champion: all users, no bots, uncut. Not published: it follows the champion. One row per session.'
