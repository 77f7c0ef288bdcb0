CREATE TABLE attribution_drift_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    event_type VARCHAR COMMENT 'Type of event, as in the source.',
    mean_centred_effect DOUBLE COMMENT 'Mean effect of an occurrence in this window, in logits; NULL where there is none.',
    effect_before DOUBLE COMMENT 'The same over the explained windows before it that are compared; NULL where there is none.',
    effect_change DOUBLE COMMENT 'mean_centred_effect minus effect_before. Each window has the model that explains it: a change may be the model''s.',
    effect_change_error DOUBLE COMMENT 'Standard error of effect_change, paired by user (CR2); NULL with fewer than two users in either period.',
    attribution_lift DOUBLE COMMENT 'Mean share in converted minus mean share in other sessions, in this window.',
    lift_before DOUBLE COMMENT 'The same over the windows before it.',
    lift_change DOUBLE COMMENT 'attribution_lift minus lift_before.',
    lift_change_error DOUBLE COMMENT 'Standard error of lift_change, paired by user (CR2); NULL with fewer than two users of converted or of other sessions in either period. It has no p: shares are too skewed (docs/method.md).',
    share_of_events DOUBLE COMMENT 'Share of the type among all explained events of the risk set, in this window.',
    share_before DOUBLE COMMENT 'The same over the windows before it; NULL where none is compared.',
    occurrences BIGINT COMMENT 'Occurrences in this window.',
    occurrences_before BIGINT COMMENT 'Occurrences in the windows before it.',
    users BIGINT COMMENT 'Users with an occurrence in either.',
    has_minimum_support BOOLEAN COMMENT 'Whether at least 30 users have an occurrence in this window, and 30 in those before it.',
    effect_change_low DOUBLE COMMENT 'Lower end of the 95 % interval of effect_change (1.96 standard errors), under the models of these windows; says nothing about retraining.',
    effect_change_high DOUBLE COMMENT 'Upper end of that interval.',
    p_value DOUBLE COMMENT 'Two-sided p of effect_change against no change (normal distribution), under the models of these windows: a change of model alone can make it small. NULL where effect_change_error is.',
    q_value DOUBLE COMMENT 'p_value after Benjamini and Hochberg among the rows of the window with minimum support; NULL without it, and where p_value is.'
)
COMMENT = 'What changed in the attribution of event types since the explained windows before, up to four. Over sessions of the risk set only. One row per event type.'
