CREATE TABLE uplift_scores (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    session_id VARCHAR COMMENT 'The unit: a session, or a customer of an experiment table.',
    uplift DOUBLE COMMENT 'Change of the probability of the outcome by the treatment, by a model that has not seen the unit: .01 = one point.',
    uplift_low DOUBLE COMMENT 'Lower end of its 95 % interval over models learnt from resampled units. It leaves out what all such models get wrong.',
    uplift_high DOUBLE COMMENT 'Upper end of the interval.',
    quadrant VARCHAR COMMENT 'persuadable: the intervals of the unit and of its group both lie above 0; do_not_disturb: both below 0; else sure_thing or lost_cause, by whether the outcome is likely without treatment.',
    action VARCHAR COMMENT 'What to do with the unit.',
    control_rate DOUBLE COMMENT 'Probability of the outcome without treatment.',
    treated_rate DOUBLE COMMENT 'Probability of the outcome with treatment.',
    uplift_rank BIGINT COMMENT '1 = highest uplift; equal uplifts by session_id.',
    score_group BIGINT COMMENT 'The tenth of the units by uplift that it belongs to; 1 = highest.',
    group_effect DOUBLE COMMENT 'Effect measured in that group: rate of the treated minus that of the control. It needs no model.',
    group_effect_low DOUBLE COMMENT 'Lower end of its 95 % interval.',
    group_effect_high DOUBLE COMMENT 'Upper end of the interval.',
    outcome VARCHAR COMMENT 'The outcome.',
    learner VARCHAR COMMENT 'The learner that scored it.',
    user_id VARCHAR COMMENT 'Whose unit it is; NULL where the source does not say.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'How much the treatment would move each unit of the compared arms, and what to do with it. One row per unit.'
