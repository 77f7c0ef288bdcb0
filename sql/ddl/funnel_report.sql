CREATE TABLE funnel_report (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    stage_order BIGINT COMMENT 'Place of the stage, from 1.',
    stage VARCHAR COMMENT 'view, cart, checkout or transaction.',
    sessions BIGINT COMMENT 'Sessions that touch it.',
    converted BIGINT COMMENT 'Of these, converted.',
    abandoned BIGINT COMMENT 'Of these, not converted.',
    abandoned_share DOUBLE COMMENT 'Their share.',
    abandoned_share_low DOUBLE COMMENT 'Lower end of its 95 % interval, clustered by user.',
    abandoned_share_high DOUBLE COMMENT 'Upper end of the interval.',
    drop_off DOUBLE COMMENT 'Share of the sessions of the stage before that do not touch it (see funnel_metrics).',
    is_largest_drop BOOLEAN COMMENT 'Whether most are lost before this stage.',
    order_value_usd DOUBLE COMMENT 'Assumed value of an order (conversion.order_value_usd).',
    recoverable_share DOUBLE COMMENT 'Assumed share of abandoned sessions that could be won back (conversion.recoverable_share).',
    lost_revenue_usd DOUBLE COMMENT 'abandoned x order value x recoverable share: a scenario under these assumptions, not a measurement.',
    lost_revenue_low_usd DOUBLE COMMENT 'The same at the lower end of the interval and the low assumed share.',
    lost_revenue_high_usd DOUBLE COMMENT 'The same at the upper end and the high assumed share.'
)
COMMENT = 'Stages of the funnel with what abandonment costs under stated assumptions. Stages contain each other: amounts do not add up. One row per stage.'
