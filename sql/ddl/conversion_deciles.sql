CREATE TABLE conversion_deciles (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose sessions are predicted.',
    feature_set VARCHAR COMMENT 'What the prediction was made from: early or full.',
    model VARCHAR COMMENT 'The model.',
    decile BIGINT COMMENT 'Tenth of the sessions by probability, 1 the highest; equal probabilities share a decile.',
    n_sessions BIGINT COMMENT 'Its sessions.',
    n_converted BIGINT COMMENT 'Of these, converted.',
    mean_probability DOUBLE COMMENT 'Mean of the probabilities.',
    conversion_rate DOUBLE COMMENT 'Share that converted.',
    lift DOUBLE COMMENT 'That share by the share of all sessions.'
)
COMMENT = 'Predicted and observed conversion by decile of the prediction. One row per feature set, model and decile.'
