CREATE TABLE uplift_metrics (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    learner VARCHAR COMMENT 'Learner of the uplift (t, s, x, dr), or random: scores drawn by chance.',
    base_model VARCHAR COMMENT 'The model that the learner is built of; none of the random score.',
    outcome VARCHAR COMMENT 'The outcome that uplift is learnt on.',
    metric VARCHAR COMMENT 'qini: area between the Qini curve and its straight line, in outcomes per treated unit. auuc: area under the gain curve, in outcomes per unit. uplift_at_10, _20, _30: rate of the treated minus that of the control among the best-scored share.',
    value DOUBLE COMMENT 'The figure of cross-fitted scores of all units; of the random score, what chance has in expectation.',
    value_low DOUBLE COMMENT 'Lower end of its 95 % bootstrap interval: other units, these scores.',
    value_high DOUBLE COMMENT 'Upper end of the interval.',
    out_of_sample DOUBLE COMMENT 'Mean of the figure over random splits, each learnt on one part and judged on the other.',
    out_of_sample_low DOUBLE COMMENT 'Lower end of its corrected resampled 95 % interval (Nadeau and Bengio): other units to learn from and to judge on.',
    out_of_sample_high DOUBLE COMMENT 'Upper end of the interval.',
    over_random DOUBLE COMMENT 'Mean of the figure minus what a random score has in the same split.',
    over_random_low DOUBLE COMMENT 'Lower end of its corrected resampled 95 % interval.',
    over_random_high DOUBLE COMMENT 'Upper end of the interval.',
    beats_random BOOLEAN COMMENT 'Whether over_random_low lies above 0.',
    is_used BOOLEAN COMMENT 'Whether uplift_scores are of this learner. It is chosen in the profile, not by these figures.',
    splits BIGINT COMMENT 'Random splits behind the out-of-sample figures.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'How well each learner tells whom the treatment moves, beside a random score. One row per learner and metric.'
