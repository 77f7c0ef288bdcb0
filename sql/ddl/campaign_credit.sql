CREATE TABLE campaign_credit (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    rule VARCHAR COMMENT 'last_touch, time_decay, markov_removal or shapley_of_paths.',
    campaign_id VARCHAR COMMENT 'Campaign.',
    purchases DOUBLE COMMENT 'Journeys with a purchase that the rule credits to it.'
)
COMMENT = 'Purchases that rules of credit hand out: they divide what came after ads, and would have come without them too. One row per rule and campaign.'
