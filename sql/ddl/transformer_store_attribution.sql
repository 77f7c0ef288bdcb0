CREATE TABLE transformer_store_attribution_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions began in.',
    store_id VARCHAR COMMENT 'Store the event is about; NULL collects the events without a store, so that counts add up.',
    store_name VARCHAR COMMENT 'Name of the store at the event; a store renamed within the window has a row for each name.',
    label INTEGER COMMENT '1: sessions that converted, 0: the others.',
    mean DOUBLE COMMENT 'Mean share of its session of an event at the store (absolute; the shares of a session sum to 1), sessions of this label.',
    count BIGINT COMMENT 'Occurrences at the store in sessions of this label.',
    signed_mean DOUBLE COMMENT 'Mean signed attribution in logits, sessions of this label.',
    centred_mean DOUBLE COMMENT 'Mean effect against an average event in logits, sessions of this label.',
    relative_mean DOUBLE COMMENT 'Mean of share times number of events in the session, sessions of this label.',
    sessions BIGINT COMMENT 'Sessions of this label with at least one event at the store.',
    mean_centred_effect DOUBLE COMMENT 'Mean effect of an occurrence of any event at the store against an average event, in logits (log-odds of converting), under this model; what ranks. Above 0: driver, below 0: brake; both labels together, the same on both rows of a store.',
    standard_error DOUBLE COMMENT 'Standard error of mean_centred_effect, clustered by user (ratio of sums over users, linearised); NULL with fewer than two users; both labels together, the same on both rows of a store.',
    effect_low DOUBLE COMMENT 'Lower end of the 95 % interval of mean_centred_effect (1.96 standard errors) for this model; says nothing about retraining; both labels together, the same on both rows of a store.',
    effect_high DOUBLE COMMENT 'Upper end of the 95 % interval of mean_centred_effect; both labels together, the same on both rows of a store.',
    occurrences BIGINT COMMENT 'Occurrences at the store, both labels together.',
    users BIGINT COMMENT 'Users with at least one event at the store, both labels together.',
    has_minimum_support BOOLEAN COMMENT 'Whether at least the configured number of users stands behind the row.',
    driver_rank BIGINT COMMENT '1 = strongest driver by mean_centred_effect among stores with minimum support, the same on both rows of a store; NULL without support and for events without a store.'
)
COMMENT = 'Attribution by store, one row for converted and one for other sessions. The difference of the two means compares plain shares and carries session length: rank by mean_centred_effect. Over sessions of the risk set only.'
