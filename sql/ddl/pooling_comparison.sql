CREATE TABLE pooling_comparison (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    pooling VARCHAR COMMENT 'mean, tfidf, recency or attention.',
    task VARCHAR COMMENT 'purchase: AUC of buying from a category in the window; other_half: mean reciprocal rank of a customers other half of history.',
    value DOUBLE COMMENT 'The figure on this window.',
    value_low DOUBLE COMMENT 'Lower end of the 95 % interval over customers; NULL with too few.',
    value_high DOUBLE COMMENT 'Upper end of the interval.',
    validation_value DOUBLE COMMENT 'The figure on the last training window, by which the default was chosen.',
    n_customers BIGINT COMMENT 'Customers of this window that it was measured on.',
    is_default BOOLEAN COMMENT 'Whether the embeddings of this window are pooled so.',
    reason VARCHAR COMMENT 'Why it is the default, or is not.'
)
COMMENT = 'How well customers pooled in four ways predict what comes next and find their own other half. One row per pooling and task.'
