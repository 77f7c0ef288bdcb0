CREATE TABLE customer_traits (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    user_id VARCHAR COMMENT 'The customer.',
    trait INTEGER COMMENT 'Number of the trait in this window, from 0.',
    weight DOUBLE COMMENT 'Share of the trait in the customer.',
    is_dominant BOOLEAN COMMENT 'Whether it is the customers largest.',
    is_fallback BOOLEAN COMMENT 'Whether nothing of the customer could be read, so that these are the weights of an average customer.'
)
COMMENT = 'How much of each trait a customer has; the weights of a customer sum to 1. One row per customer and trait with a weight above 0.'
