CREATE TABLE funnel_metrics (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    stage VARCHAR COMMENT 'view, cart, checkout or transaction.',
    sessions BIGINT COMMENT 'Sessions with an event of this stage, whatever else they hold.',
    rate DOUBLE COMMENT 'These as a share of all sessions.',
    drop_off DOUBLE COMMENT 'Share of the sessions at the stage before that have no event of this stage; NULL at the first stage.',
    is_largest_drop BOOLEAN COMMENT 'Whether the largest share is lost here.',
    stage_order INTEGER COMMENT '1 for view to 4 for transaction.',
    sessions_with_previous BIGINT COMMENT 'Sessions with an event of this stage and of the one before: a stage can be skipped.',
    sessions_lost BIGINT COMMENT 'Sessions at the stage before without an event of this one.'
)
COMMENT = 'How many sessions touch each stage and where most are lost; without bots and sessions still open. Stages for which the dataset names no event type are left out. One row per stage.'
