CREATE TABLE conversion_comparison (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose sessions are predicted.',
    model VARCHAR COMMENT 'transformer (of the first variant that does not see the funnel), or a model of conversion with its feature set, such as catboost, full.',
    segment VARCHAR COMMENT 'uncut: sampled sessions that both have seen whole; matched: those of the risk set, cut to equal lengths for the transformer only.',
    metric VARCHAR COMMENT 'As in conversion_metrics.',
    n_sessions BIGINT COMMENT 'Sessions that all of them predict.',
    n_converted BIGINT COMMENT 'Of these, converted.',
    prevalence DOUBLE COMMENT 'Share of converted sessions.',
    value DOUBLE COMMENT 'The metric.',
    value_low DOUBLE COMMENT 'Lower end of its 95 % interval over resampled users.',
    value_high DOUBLE COMMENT 'Upper end of the interval.',
    gain DOUBLE COMMENT 'The transformer''s metric less this one''s; NULL for itself.',
    gain_low DOUBLE COMMENT 'Lower end of its 95 % interval over the same resampled users.',
    gain_high DOUBLE COMMENT 'Upper end of the interval.'
)
COMMENT = 'The sequence transformer beside the models on features, on the same sessions. They read different things: the transformer no funnel events, the features all events before the conversion. One row per model, segment and metric.'
