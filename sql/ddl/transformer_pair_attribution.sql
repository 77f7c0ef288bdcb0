CREATE TABLE transformer_pair_attribution_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that is explained.',
    first_event_type VARCHAR COMMENT 'Type of the earlier event.',
    second_event_type VARCHAR COMMENT 'Type of the event immediately after it, among those the variant sees.',
    same_store BOOLEAN COMMENT 'Whether both are at one store; if not, they are at two, or one of them at none that the model knows.',
    mean_effect DOUBLE COMMENT 'Mean over the occurrences of what the two together add to the log-odds beyond both; NULL without occurrences.',
    occurrences BIGINT COMMENT 'Occurrences in the risk set of the window.',
    sessions BIGINT COMMENT 'Sessions of the risk set with at least one.'
)
COMMENT = 'Neighbouring events that together are worth more, or less, than the two alone: those that passed a score test on the training windows, at most eight. One row per pair.'
