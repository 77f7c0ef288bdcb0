CREATE TABLE experiment_effects (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    arm VARCHAR COMMENT 'The arm that is compared with the control.',
    outcome VARCHAR COMMENT 'Name of the outcome; revenue_usd is in dollars per unit.',
    units BIGINT COMMENT 'Units of the arm.',
    control_units BIGINT COMMENT 'Units of the control.',
    rate DOUBLE COMMENT 'Share of the units of the arm with the outcome; of revenue_usd, the mean.',
    control_rate DOUBLE COMMENT 'The same of the control.',
    effect DOUBLE COMMENT 'Absolute lift: rate minus control_rate; .01 = one point.',
    effect_low DOUBLE COMMENT 'Lower end of its 95 % interval (normal, unpooled variances).',
    effect_high DOUBLE COMMENT 'Upper end of the interval.',
    relative_effect DOUBLE COMMENT 'Relative lift: effect over control_rate; .15 = 15 % more. NULL where the control rate is 0.',
    p_value DOUBLE COMMENT 'Two-sided p of no effect.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'What each arm did on average, against the control. One row per arm and outcome.'
