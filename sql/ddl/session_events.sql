CREATE TABLE session_events (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    session_id VARCHAR COMMENT 'user_device_localdate_n, with % and _ escaped in the ids and no-device for a missing device.',
    event_index BIGINT COMMENT 'Number of the event in its session, from 1, by time and id.',
    event_id VARCHAR COMMENT 'Id of the event as delivered; made from the row where the source has none.',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    device_id VARCHAR COMMENT 'On which device; NULL where the source does not say.',
    event_at TIMESTAMP_NTZ COMMENT 'When it happened (UTC).',
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
COMMENT = 'The events of the sessions that begin in the window. One row per event.'
