CREATE TABLE ad_journey_events (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    journey_id VARCHAR COMMENT 'The journey.',
    event_position BIGINT COMMENT 'Place in it, 0-based.',
    user_id VARCHAR COMMENT 'Whose journey.',
    event_at TIMESTAMP_NTZ COMMENT 'When it happened (UTC).',
    event_type VARCHAR COMMENT 'impression or click.',
    campaign_id VARCHAR COMMENT 'Campaign, (no campaign) where the ad names none; a click has its impression''s.',
    ad_id VARCHAR COMMENT 'Ad that was shown.',
    ad_type VARCHAR COMMENT 'Kind of ad.',
    product_id VARCHAR COMMENT 'The product it is for.',
    cost_usd DOUBLE COMMENT 'What the impression cost; 0 for a click.',
    hours_before DOUBLE COMMENT 'Hours from the event to the start of the day.',
    exposure BIGINT COMMENT 'Number of the impression in the journey, 1 on; a click bears its impression''s.'
)
COMMENT = 'What a journey holds: impressions of the look-back and their clicks, in order. One row per journey and ad event.'
