CREATE TABLE confirming_test (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    look BIGINT COMMENT 'Number of the look, the last one at the planned end.',
    information DOUBLE COMMENT 'Share of the planned units that have been seen.',
    units_per_arm BIGINT COMMENT 'Units of each arm that have been seen by then; NULL where no number of units would do.',
    z_bound DOUBLE COMMENT 'Stop and believe the effect if |z| reaches this.',
    p_bound DOUBLE COMMENT 'The same as a p-value: what an ordinary test must fall to.',
    alpha_spent DOUBLE COMMENT 'Chance of having stopped by this look though there is no effect.',
    targeted_share DOUBLE COMMENT 'The share whose effect is to be confirmed; half of the units are contacted, half held out.',
    control_rate DOUBLE COMMENT 'Conversion rate of the control among them, as measured.',
    treated_rate DOUBLE COMMENT 'Conversion rate of the treated among them, as measured.',
    power_with_targeted DOUBLE COMMENT 'Power with half of the targeted units in each arm.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'The experiment that would confirm the policy, and how clear its effect must be at each look. One row per look.'
