CREATE TABLE experiment_validity (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    test VARCHAR COMMENT 'sample_ratio, balance, overall_balance or a_a.',
    name VARCHAR COMMENT 'What is tested: the arms, a covariate, all of them, or splits of the control.',
    value DOUBLE COMMENT 'The figure that is tested.',
    p_value DOUBLE COMMENT 'Its p; NULL where the test is a bound on the value.',
    passed BOOLEAN COMMENT 'Whether it passed.',
    blocking BOOLEAN COMMENT 'Whether nothing is learnt from an experiment that fails it.',
    meaning VARCHAR COMMENT 'What the figure is, and what failing would mean.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'Whether the experiment may be believed: arms of the planned size, alike before the treatment, no effect between halves of the control. One row per test and name.'
