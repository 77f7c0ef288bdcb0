CREATE TABLE attribution_spread_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    granularity VARCHAR COMMENT 'event_type, position or store.',
    name VARCHAR COMMENT 'Event type, position bin or store id, of which there are enough occurrences.',
    occurrences BIGINT COMMENT 'Occurrences in the sessions of the risk set that were looked at.',
    mean_centred_effect DOUBLE COMMENT 'Mean effect of an occurrence in these sessions, under the model that explains the window, in logits.',
    halves_mean DOUBLE COMMENT 'Mean of the same effect over models trained on halves of the training users; NULL without such models.',
    retraining_error DOUBLE COMMENT 'Standard error of the effect over other samples of training users, from pairs of halves with nobody in common (delete-half jackknife), moderated by the errors of the other rows of the granularity. This is the variance of training again on other users, which intervals of the other tables leave out.',
    retraining_degrees BIGINT COMMENT 'Degrees of freedom of that error: pairs of models on halves, and three for the errors of the others that moderate it.',
    retraining_low DOUBLE COMMENT 'Lower end of the 95 % interval over other samples of training users (Student). Nearer to the coverage of a true effect than the intervals of the other tables, and not quite it (docs/trust.md).',
    retraining_high DOUBLE COMMENT 'Upper end of that interval.',
    retraining_q DOUBLE COMMENT 'Benjamini-Hochberg q of the effect being that of an average event, from the retraining error, within the granularity; what a finding must pass.',
    same_sign DOUBLE COMMENT 'Share of the models on halves that agree with the model on the direction of the effect.',
    models BIGINT COMMENT 'Number of models on halves.',
    windows_same_sign BIGINT COMMENT 'In how many of the windows compared a model that learnt from that window alone agrees on the direction.',
    windows_compared BIGINT COMMENT 'Windows that the model learnt from in which the event type, position or store has enough occurrences.'
)
COMMENT = 'How far each effect moves when the model is trained on other users. One row per event type, position and store with enough occurrences.'
