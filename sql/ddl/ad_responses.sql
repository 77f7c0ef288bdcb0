CREATE TABLE ad_responses (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    dimension VARCHAR COMMENT 'ad_type, position, gap or clicked.',
    value VARCHAR COMMENT 'Ad type, place, gap, or yes and no.',
    impressions BIGINT COMMENT 'Impressions in journeys; one counts in each journey that it precedes.',
    mean_effect DOUBLE COMMENT 'Mean change of the probability of a purchase, had the impression not been.',
    standard_error DOUBLE COMMENT 'Of the mean, over users; NULL with fewer than two.',
    effect_low DOUBLE COMMENT 'Lower end of the 95 % interval.',
    effect_high DOUBLE COMMENT 'Upper end of the interval.',
    purchases_added DOUBLE COMMENT 'Sum of the effects.'
)
COMMENT = 'Mean effect of an impression by ad type, place in the journey, gap to the day, and click. One row per dimension and value.'
