CREATE TABLE trait_items (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    trait INTEGER COMMENT 'Number of the trait in this window, from 0.',
    kind VARCHAR COMMENT 'token, product or category.',
    item_rank BIGINT COMMENT '1 is what stands out most.',
    item_id VARCHAR COMMENT 'The token, product or category.',
    category VARCHAR COMMENT 'Category of the item where it is known.',
    share_in_trait DOUBLE COMMENT 'Its share of the events of customers, weighted by the trait.',
    share_in_all DOUBLE COMMENT 'Its share of the events of all customers.',
    over_representation DOUBLE COMMENT 'The first share as a multiple of the second.'
)
COMMENT = 'What each trait loads on: its top tokens, products and categories, against all customers. One row per trait, kind and rank.'
