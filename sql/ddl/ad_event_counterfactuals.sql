CREATE TABLE ad_event_counterfactuals (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    journey_id VARCHAR COMMENT 'The journey.',
    user_id VARCHAR COMMENT 'Whose it is.',
    exposure BIGINT COMMENT 'Number of the impression in the journey, 1 on.',
    campaign_id VARCHAR COMMENT 'Campaign.',
    ad_type VARCHAR COMMENT 'Kind of ad.',
    hours_before DOUBLE COMMENT 'Hours from the impression to the start of the day.',
    is_clicked BOOLEAN COMMENT 'Whether its click is in the journey.',
    probability DOUBLE COMMENT 'Of a purchase, as it was.',
    effect_dropped DOUBLE COMMENT 'Less the probability had it never been shown: ranks and gaps recomputed.',
    effect_masked DOUBLE COMMENT 'The same with ranks and gaps left as they were.'
)
COMMENT = 'What each impression, with its click, added to the probability of a purchase in its journey. One row per journey and impression.'
