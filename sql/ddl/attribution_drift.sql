CREATE TABLE attribution_drift_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    event_type VARCHAR COMMENT 'Type of event, as in the source.',
    mean_centred_effect DOUBLE COMMENT 'Mean effect of an occurrence in this window, in logits; NULL where there is none.',
    effect_before DOUBLE COMMENT 'The same over the explained windows before it that are compared; NULL where there is none.',
    effect_change DOUBLE COMMENT 'mean_centred_effect minus effect_before. Each window has the model that explains it: a change may be the model''s.',
    effect_change_error DOUBLE COMMENT 'Standard error of effect_change, paired by user; NULL where either period has no occurrence.',
    attribution_lift DOUBLE COMMENT 'Mean share in converted minus mean share in other sessions, in this window.',
    lift_before DOUBLE COMMENT 'The same over the windows before it.',
    lift_change DOUBLE COMMENT 'attribution_lift minus lift_before.',
    lift_change_error DOUBLE COMMENT 'Standard error of lift_change, paired by user; NULL where either period lacks converted or other sessions.',
    share_of_events DOUBLE COMMENT 'Share of the type among all explained events of the risk set, in this window.',
    share_before DOUBLE COMMENT 'The same over the windows before it; NULL where none is compared.',
    occurrences BIGINT COMMENT 'Occurrences in this window.',
    occurrences_before BIGINT COMMENT 'Occurrences in the windows before it.',
    users BIGINT COMMENT 'Users with an occurrence in either.'
)
COMMENT = 'What changed in the attribution of event types since the explained windows before, up to four. Over sessions of the risk set only. One row per event type.'
