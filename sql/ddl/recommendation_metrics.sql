CREATE TABLE recommendation_metrics (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    method VARCHAR COMMENT 'blend, traits, popularity, last_item or co_occurrence.',
    cutoff BIGINT COMMENT 'Length of the list: 10 or 20.',
    metric VARCHAR COMMENT 'recall, ndcg or coverage (share of the catalogue that is recommended to anybody).',
    value DOUBLE COMMENT 'The figure on this window.',
    value_low DOUBLE COMMENT 'Lower end of the 95 % interval over customers; NULL for coverage.',
    value_high DOUBLE COMMENT 'Upper end of the interval.',
    gain_low DOUBLE COMMENT 'Lower end of the paired interval of the default method less this one; NULL for coverage and for the default itself.',
    gain_high DOUBLE COMMENT 'Upper end of that interval.',
    n_customers BIGINT COMMENT 'Customers that it was measured on: those with a product in the window that they had not bought.',
    catalogue BIGINT COMMENT 'Products that could be recommended.',
    is_default BOOLEAN COMMENT 'Whether the published recommendations are made so.'
)
COMMENT = 'How well recommendations made before the window foresee it, beside simple baselines, over the full catalogue. One row per method, cutoff and metric.'
