CREATE TABLE leakage_comparison (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions began in.',
    event_type VARCHAR COMMENT 'Type of event, as in the source.',
    no_funnel_lift DOUBLE COMMENT 'attribution_lift without funnel events; NULL for a funnel event, and where the lift itself is NULL.',
    with_funnel_lift DOUBLE COMMENT 'attribution_lift with funnel events (DATA LEAKAGE).',
    leakage_amount DOUBLE COMMENT 'with_funnel_lift minus no_funnel_lift, the latter counted as 0 where NULL; NULL where with_funnel_lift is.',
    is_funnel BOOLEAN COMMENT 'Whether the event type belongs to the funnel; its effect in a variant that keeps the funnel is leakage.',
    no_funnel_effect DOUBLE COMMENT 'mean_centred_effect without funnel events, in logits.',
    with_funnel_effect DOUBLE COMMENT 'mean_centred_effect with funnel events, in logits (DATA LEAKAGE).',
    no_funnel_rank BIGINT COMMENT 'driver_rank without funnel events.',
    with_funnel_rank BIGINT COMMENT 'driver_rank with funnel events (DATA LEAKAGE).',
    is_suspected BOOLEAN COMMENT 'Whether the search for leakage, which does not know the funnel list, suspects it (suspected_leakage).',
    effect_change DOUBLE COMMENT 'with_funnel_effect minus no_funnel_effect, in logits; NULL where either is, as for a funnel event. What is tested: a difference of lifts of shares has no p (docs/method.md).',
    effect_change_error DOUBLE COMMENT 'Standard error of effect_change, paired by user (CR2); NULL with fewer than two users.',
    has_minimum_support BOOLEAN COMMENT 'Whether at least 30 users have an occurrence in each of the two variants.',
    effect_change_low DOUBLE COMMENT 'Lower end of the 95 % interval of effect_change (1.96 standard errors), under these two models; says nothing about retraining.',
    effect_change_high DOUBLE COMMENT 'Upper end of that interval.',
    p_value DOUBLE COMMENT 'Two-sided p of effect_change against no change (normal distribution), under these two models: whether the funnel changes what the models say of the type, not why. NULL where effect_change_error is.',
    q_value DOUBLE COMMENT 'p_value after Benjamini and Hochberg among the rows of the window with minimum support; NULL without it, and where p_value is.'
)
COMMENT = 'DATA LEAKAGE: how much of the attribution of each event type comes from letting the model see the funnel. FULL OUTER JOIN of the event tables of no_funnel and with_funnel.'
