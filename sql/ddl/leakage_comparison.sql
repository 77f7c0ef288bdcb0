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
    is_suspected BOOLEAN COMMENT 'Whether the search for leakage, which does not know the funnel list, suspects it (suspected_leakage).'
)
COMMENT = 'DATA LEAKAGE: how much of the attribution of each event type comes from letting the model see the funnel. FULL OUTER JOIN of the event tables of no_funnel and with_funnel.'
