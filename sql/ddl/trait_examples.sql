CREATE TABLE trait_examples (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    trait INTEGER COMMENT 'Number of the trait in this window, from 0.',
    example_rank BIGINT COMMENT '1 has most of it.',
    user_id VARCHAR COMMENT 'The customer.',
    weight DOUBLE COMMENT 'Share of the trait in the customer.'
)
COMMENT = 'The customers who have most of a trait. One row per trait and rank.'
