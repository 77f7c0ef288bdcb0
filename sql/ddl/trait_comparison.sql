CREATE TABLE trait_comparison (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    option VARCHAR COMMENT 'embeddings: NMF of shifted embeddings; tokens: NMF of the customer by token TF-IDF matrix.',
    traits BIGINT COMMENT 'Number of traits.',
    metric VARCHAR COMMENT 'reconstruction, stability, coherence, purchase or other_half.',
    value DOUBLE COMMENT 'The figure; more is better for all of them.',
    standard_error DOUBLE COMMENT 'Of the figure, over customers or traits; NULL where there is none.',
    is_chosen_number BOOLEAN COMMENT 'Whether this number of traits was chosen for the option.',
    is_default BOOLEAN COMMENT 'Whether the published traits are made so.',
    reason VARCHAR COMMENT 'Why it is the default, or is not.'
)
COMMENT = 'What traits are made from, and how many: held-out reconstruction, stability, coherence and use, by option and number of traits. One row each.'
