CREATE TABLE feature_importance (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    feature VARCHAR COMMENT 'event_type, campaign_id, ad_type, gap or position.',
    value VARCHAR COMMENT 'Its value.',
    method VARCHAR COMMENT 'Attribution method of the registry.',
    mean_effect DOUBLE COMMENT 'Mean contribution of an occurrence, in logits.',
    standard_error DOUBLE COMMENT 'Of the mean, over users; NULL with fewer than two.',
    occurrences BIGINT COMMENT 'Events in the journeys that were explained.'
)
COMMENT = 'What ad events move the journey model, by what they were. One row per feature, value and method.'
