CREATE TABLE ad_increments (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    campaign_id VARCHAR COMMENT 'Campaign; (all ads) for all of them together.',
    estimator VARCHAR COMMENT 'naive_difference, naive_model, adjusted_model, doubly_robust or lost_auctions.',
    purchases_added DOUBLE COMMENT 'Purchases that would not have been without.',
    standard_error DOUBLE COMMENT 'Standard error: over users counted and, of models, over users learnt from.',
    effect_low DOUBLE COMMENT 'Lower end of the 95 % interval.',
    effect_high DOUBLE COMMENT 'Upper end of the interval.',
    is_negative_control BOOLEAN COMMENT 'Whether the campaign is known to do nothing.',
    trusts VARCHAR COMMENT 'What has to hold for it to be right.'
)
COMMENT = 'Purchases that ads added, by estimators that trust different things. One row per campaign, and for all ads, and estimator.'
