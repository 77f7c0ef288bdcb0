CREATE TABLE experiment_covariates (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    session_id VARCHAR COMMENT 'The unit that was assigned.',
    user_id VARCHAR COMMENT 'Whose unit it is; NULL where the source does not say.',
    covariate VARCHAR COMMENT 'What was known of the unit before it was assigned.',
    number DOUBLE COMMENT 'Its value where it is a number; NULL where it is missing or a category.',
    category VARCHAR COMMENT 'Its value where it is a category; NULL where it is missing or a number.'
)
COMMENT = 'What was known of each unit before the treatment. One row per unit and covariate.'
