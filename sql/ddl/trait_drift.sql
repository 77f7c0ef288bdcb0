CREATE TABLE trait_drift (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    trait INTEGER COMMENT 'Number of the trait in this window, from 0.',
    trait_identity VARCHAR COMMENT 'A name that the trait keeps over windows: window and number in which it first occurred.',
    previous_window VARCHAR COMMENT 'The window compared with; NULL for the first.',
    previous_trait INTEGER COMMENT 'The trait there that it was matched with; NULL where none is like it.',
    similarity DOUBLE COMMENT 'Cosine of what the two load on; NULL without a match.',
    is_new BOOLEAN COMMENT 'Whether no trait of the window before is like it.',
    size_share DOUBLE COMMENT 'Its share of all weights of all customers.',
    size_change DOUBLE COMMENT 'That share less its share before; NULL without a match.',
    kept_share DOUBLE COMMENT 'Of customers of both windows in whom it was dominant before, the share in whom it still is; NULL without any.',
    alignment_before DOUBLE COMMENT 'Mean cosine of the tokens of both windows with themselves, without alignment.',
    alignment_after DOUBLE COMMENT 'The same after the orthogonal Procrustes rotation, on tokens that did not take part in finding it.',
    is_drift BOOLEAN COMMENT 'Whether the trait is new, or less like itself than traits.min_similarity.'
)
COMMENT = 'How traits changed since the window published before: matched one to one, after their embeddings were aligned. One row per trait.'
