CREATE TABLE ad_journeys (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    journey_id VARCHAR COMMENT 'User, window and day, joined by _.',
    user_id VARCHAR COMMENT 'Whose journey.',
    day_number INTEGER COMMENT 'Day of the window, 0 on, of 24 hours each.',
    label INTEGER COMMENT '1 if the user bought on the day, else 0.',
    purchases BIGINT COMMENT 'Purchases on the day.',
    revenue_usd DOUBLE COMMENT 'What they came to.',
    history_events BIGINT COMMENT 'Events of any kind in the look-back; at least the profile''s minimum.',
    n_events BIGINT COMMENT 'Ad events in the look-back: impressions and their clicks.',
    impressions BIGINT COMMENT 'Of these, impressions.',
    clicks BIGINT COMMENT 'Of these, clicks.',
    auctions BIGINT COMMENT 'Auctions in the look-back.',
    auctions_won BIGINT COMMENT 'Of these, won.',
    mean_relevance DOUBLE COMMENT 'Mean relevance over these auctions, won and lost: what is known of the user''s intent. NULL without any.'
)
COMMENT = 'Users at the start of each day who were seen in the look-back before it, and whether they bought on the day. One row per user and day.'
