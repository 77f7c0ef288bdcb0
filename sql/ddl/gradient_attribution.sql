CREATE TABLE gradient_attribution_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the session began in.',
    session_id VARCHAR COMMENT 'Session of the event.',
    label INTEGER COMMENT '1: the session converted, 0: it did not.',
    event_position INTEGER COMMENT 'Place of the event among those of its session that the variant keeps, from 0.',
    gradient_attribution DOUBLE COMMENT 'Share of the event in the absolute attribution of its session; the shares of a session sum to 1. It says how much, not in which direction, and longer sessions have smaller shares. 0 throughout where is_all_zero; NULL for events before those the model reads.',
    event_type VARCHAR COMMENT 'Type of the event.',
    store_id VARCHAR COMMENT 'Store the event is about; NULL without one.',
    signed_attribution DOUBLE COMMENT 'Contribution of the event to the logit (by the dataset''s attribution method; gradient x input plus the exact additive part by default); below 0 it lowered the prediction. Has no proper null: an event type without any effect need not be at 0. NULL for events before those the model reads.',
    centred_attribution DOUBLE COMMENT 'Effect of the event against an average event of the training windows, in logits (log-odds of converting), under this model; its mean is what ranks. NULL for events before those the model reads.',
    relative_attribution DOUBLE COMMENT 'Share times the number of events the model reads of the session; 1 = an average event of its session. NULL for events before those the model reads.',
    store_name VARCHAR COMMENT 'Name of the store at the event.',
    primary_category VARCHAR COMMENT 'Category of the event.',
    primary_tag VARCHAR COMMENT 'Tag of the event.',
    user_id VARCHAR COMMENT 'User of the session; intervals are clustered by user.',
    event_at TIMESTAMP_NTZ COMMENT 'Time of the event (UTC).',
    n_events INTEGER COMMENT 'Events of the session that the variant keeps, those before the ones the model reads included.',
    in_risk_set BOOLEAN COMMENT 'Whether the session is a case or a matched control, cut at the length of its case; aggregates are over these only. Sessions outside are explained uncut.',
    is_all_zero BOOLEAN COMMENT 'Whether every event of the session has attribution 0, so that shares are 0 instead of summing to 1.',
    logit DOUBLE COMMENT 'The model''s logit of the session: what the attributions explain.',
    probability DOUBLE COMMENT 'Calibrated probability that the session converts, at the share of converting sessions in the population.'
)
COMMENT = 'One row per event and session: what each event contributed to the prediction, by the attribution method of the dataset, gradient x input at the projected event by default. Model effects, not causal ones.';
