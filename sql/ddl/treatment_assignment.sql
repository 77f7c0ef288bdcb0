CREATE TABLE treatment_assignment (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    session_id VARCHAR COMMENT 'The unit that was assigned: a session, or a customer of an experiment table.',
    user_id VARCHAR COMMENT 'Whose unit it is; NULL where the source does not say.',
    arm VARCHAR COMMENT 'The arm that the unit was assigned to, as in the source.',
    is_treated BOOLEAN COMMENT 'Whether it is the arm that uplift is learnt of; NULL in arms that are neither that one nor the control.',
    outcome VARCHAR COMMENT 'Name of the outcome.',
    happened BOOLEAN COMMENT 'Whether the outcome happened.',
    revenue_usd DOUBLE COMMENT 'What the unit spent, in dollars; NULL where the source does not say.',
    true_effect DOUBLE COMMENT 'Change of the probability of this outcome by the treatment, as the program drew it; NULL of real units.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'Who was assigned to which arm of the experiment, and what came of it. One row per unit and outcome.'
