CREATE TABLE transformer_pair_attribution_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that is explained.',
    first_event_type VARCHAR COMMENT 'Type of the earlier event.',
    second_event_type VARCHAR COMMENT 'Type of the event immediately after it, among those the variant sees.',
    same_store BOOLEAN COMMENT 'Whether both are at one store; if not, they are at two, or one of them at none that the model knows.',
    mean_effect DOUBLE COMMENT 'Mean over the occurrences of what the two together add to the log-odds beyond both; NULL without occurrences.',
    occurrences BIGINT COMMENT 'Occurrences in the risk set of the window.',
    sessions BIGINT COMMENT 'Sessions of the risk set with at least one.',
    standard_error DOUBLE COMMENT 'Standard error of mean_effect, clustered by user (CR2); NULL with fewer than two users. The model has one weight for a pair, so what varies is where in their sessions the pairs stand.',
    users BIGINT COMMENT 'Users with at least one occurrence.',
    has_minimum_support BOOLEAN COMMENT 'Whether at least 30 users have one.',
    effect_low DOUBLE COMMENT 'Lower end of the 95 % interval of mean_effect (1.96 standard errors) for this model; says nothing about retraining.',
    effect_high DOUBLE COMMENT 'Upper end of that interval.',
    p_value DOUBLE COMMENT 'Two-sided p of mean_effect against 0 (normal distribution), under this model. That the pair is there at all was decided on the training windows, by a score test and by the validation. NULL where standard_error is.',
    q_value DOUBLE COMMENT 'p_value after Benjamini and Hochberg among the pairs of the window with minimum support; NULL without it, and where p_value is.'
)
COMMENT = 'Neighbouring events that together are worth more, or less, than the two alone: those that passed a score test on the training windows, at most eight. One row per pair.'
