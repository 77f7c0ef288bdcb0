CREATE TABLE uplift_truth (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    figure VARCHAR COMMENT 'pehe, coverage, rank_correlation, average_error, policy_value or policy_regret.',
    value DOUBLE COMMENT 'The figure of the scores.',
    of_average DOUBLE COMMENT 'What giving everybody the true average effect would have; NULL where that has no interval.',
    meaning VARCHAR COMMENT 'What the figure is.',
    data VARCHAR COMMENT 'simulated treatment: both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'How near the scores come to the truth. Without rows where the treatment was real: its truth is unknown. One row per figure.'
