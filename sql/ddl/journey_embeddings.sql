CREATE TABLE journey_embeddings (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    journey_id VARCHAR COMMENT 'The journey.',
    user_id VARCHAR COMMENT 'Whose it is.',
    label INTEGER COMMENT '1 if the user bought on the day.',
    probability DOUBLE COMMENT 'Predicted probability of that.',
    embedding VARCHAR COMMENT 'The state as a JSON list of numbers.'
)
COMMENT = 'State of the journey model after the last ad event, per journey that has one. One row per journey.'
