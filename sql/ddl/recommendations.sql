CREATE TABLE recommendations (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    user_id VARCHAR COMMENT 'The customer.',
    recommendation_rank BIGINT COMMENT '1 is the first to show.',
    product_id VARCHAR COMMENT 'The product, or the category where products are too sparse (traits.item).',
    score DOUBLE COMMENT 'What it is ranked by; comparable within a customer only.',
    trait INTEGER COMMENT 'The trait that speaks for it most; NULL where no trait does.',
    reason VARCHAR COMMENT 'Why it is recommended, in words.'
)
COMMENT = 'What a customer may want next, without what he has bought already. One row per customer and rank.'
