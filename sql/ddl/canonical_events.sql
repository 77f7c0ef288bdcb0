CREATE TABLE canonical_events (
    event_id VARCHAR COMMENT 'Id of the event as delivered; made from the row where the source has none.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    device_id VARCHAR COMMENT 'On which device; NULL where the source does not say.',
    event_at TIMESTAMP_NTZ COMMENT 'When it happened (UTC); NULL where the source''s time cannot be read.',
    event_at_raw VARCHAR COMMENT 'The time as the source gave it.',
    event_type VARCHAR COMMENT 'What happened, as in the source.',
    discovery_feature VARCHAR COMMENT 'The part of the product that led there.',
    store_id VARCHAR COMMENT 'The store it concerns.',
    store_name VARCHAR COMMENT 'That store''s name, as in the source: text from outside, to be escaped where it is shown.',
    primary_tag VARCHAR COMMENT 'The store''s or product''s main tag.',
    primary_category VARCHAR COMMENT 'The store''s or product''s category at that time.',
    is_nv BOOLEAN COMMENT 'Whether the store belongs to a new vertical, such as grocery or pharmacy.',
    product_id VARCHAR COMMENT 'The product it concerns.',
    price_usd DOUBLE COMMENT 'Price at that time, in US dollars; in the source''s own currency where it states none.',
    auction_id VARCHAR COMMENT 'Ad auction it belongs to.',
    ad_id VARCHAR COMMENT 'Ad it concerns.',
    ad_outcome VARCHAR COMMENT 'What became of the ad: won, lost, shown, clicked.'
)
COMMENT = 'The source in canonical columns, whatever its own are called: the view that the staging SQL of the dataset makes of it. One row per row of the source.'
