CREATE TABLE item_tokens (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    token VARCHAR COMMENT 'The event type and the item, percent-encoded, with | between them.',
    action VARCHAR COMMENT 'The event type.',
    item_id VARCHAR COMMENT 'The item it concerns: a product, or what the profile names in traits.item.',
    category VARCHAR COMMENT 'Category of the item where it is known.',
    occurrences BIGINT COMMENT 'Events with this token in the training windows.',
    map_x DOUBLE COMMENT 'Place on the two-dimensional map; NULL for tokens that are not drawn.',
    map_y DOUBLE COMMENT 'Place on the map, upwards.',
    nearest_tokens VARCHAR COMMENT 'JSON list of the five nearest tokens by cosine, each with its cosine; NULL for tokens that are not drawn.'
)
COMMENT = 'Tokens that item2vec knows, with the place of the most frequent on a map and their neighbours. One row per token.'
