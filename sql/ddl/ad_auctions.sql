CREATE TABLE ad_auctions (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    auction_id VARCHAR COMMENT 'Id of the auction; one ad and one user each.',
    user_id VARCHAR COMMENT 'Who would see the ad.',
    held_at TIMESTAMP_NTZ COMMENT 'When it was held (UTC).',
    campaign_id VARCHAR COMMENT 'Campaign that bid.',
    ad_type VARCHAR COMMENT 'Kind of ad, such as display or video.',
    ad_id VARCHAR COMMENT 'Ad that would be shown.',
    product_id VARCHAR COMMENT 'The product it is for.',
    relevance DOUBLE COMMENT 'What the platform logs of the user''s intent at the time; NULL where it logs nothing.',
    bid_usd DOUBLE COMMENT 'What was bid.',
    price_to_win_usd DOUBLE COMMENT 'The highest bid of others: what there was to beat.',
    is_won BOOLEAN COMMENT 'Whether the bid won.'
)
COMMENT = 'Ad auctions of the window, won and lost, with what only the log of auctions knows. One row per auction.'
