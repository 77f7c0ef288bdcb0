CREATE TABLE ad_counterfactuals (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    campaign_id VARCHAR COMMENT 'Campaign; (all ads) for all of them together.',
    is_negative_control BOOLEAN COMMENT 'Whether it is known to do nothing.',
    journeys BIGINT COMMENT 'Journeys with an ad of it.',
    impressions BIGINT COMMENT 'Impressions in the window.',
    cost_usd DOUBLE COMMENT 'What the impressions cost.',
    purchases_added DOUBLE COMMENT 'Shapley credit: signed, and the campaigns'' sum is that of all ads.',
    standard_error DOUBLE COMMENT 'Standard error: over users counted and, of models, over users learnt from.',
    effect_low DOUBLE COMMENT 'Lower end of the 95 % interval.',
    effect_high DOUBLE COMMENT 'Upper end of the interval.',
    sampling_error DOUBLE COMMENT 'Standard error that sampling coalitions added; 0 where they were counted out.',
    removed_dropped DOUBLE COMMENT 'Purchases lost had this campaign alone not been: ranks and gaps recomputed.',
    removed_masked DOUBLE COMMENT 'The same with ranks and gaps left as they were.',
    interaction DOUBLE COMMENT 'purchases_added less removed_dropped: what it shares with others. For all ads: the total less the sum of single removals.',
    cost_per_purchase_usd DOUBLE COMMENT 'cost_usd over purchases_added; NULL where nothing was added.'
)
COMMENT = 'What each campaign added to purchases, by the adjusted journey model: credit that adds up to the increment over no ads. One row per campaign, and one for all ads.'
