CREATE TABLE customer_embeddings (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    user_id VARCHAR COMMENT 'The customer.',
    pooling VARCHAR COMMENT 'How tokens were weighted: mean, tfidf, recency or attention.',
    n_events BIGINT COMMENT 'Events with an item in the windows read.',
    known_share DOUBLE COMMENT 'Share of these whose token has a vector of its own.',
    category_share DOUBLE COMMENT 'Share that fell back on the mean vector of the action and category.',
    action_share DOUBLE COMMENT 'Share that fell back on the mean vector of the action. The rest had no vector at all.',
    is_new BOOLEAN COMMENT 'Whether the customer has no event in the training windows.',
    embedding VARCHAR COMMENT 'The vector as a JSON list of numbers, of length one.'
)
COMMENT = 'Customers as the mean of their tokens, by the pooling that won. One row per customer of the windows up to this one.'
