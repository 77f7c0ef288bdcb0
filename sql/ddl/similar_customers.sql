CREATE TABLE similar_customers (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    user_id VARCHAR COMMENT 'The customer.',
    similar_rank BIGINT COMMENT '1 is the most alike.',
    similar_user_id VARCHAR COMMENT 'The other customer.',
    similarity DOUBLE COMMENT 'Cosine of their traits.'
)
COMMENT = 'The customers whose traits are most alike. One row per customer and rank.'
