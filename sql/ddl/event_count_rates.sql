CREATE TABLE event_count_rates_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions began in.',
    event_type VARCHAR COMMENT 'Type of event, as in the source; only those with the minimum number of users.',
    decile INTEGER COMMENT 'Tenth of the sessions, by number of occurrences, in which this count begins, 1 to 10; sessions of the same count share one.',
    count_low BIGINT COMMENT 'Fewest occurrences in a session of the row.',
    count_high BIGINT COMMENT 'Most occurrences in a session of the row.',
    mean_count DOUBLE COMMENT 'Mean number of occurrences in a session of the row.',
    sessions BIGINT COMMENT 'Compared sessions (cases and matched controls, cut at the same length) of the row.',
    users BIGINT COMMENT 'Their users.',
    converted BIGINT COMMENT 'Of these sessions, converted.',
    conversion_rate DOUBLE COMMENT 'converted over sessions. Above the rate of all sessions, because matching leaves most of those that do not convert out.',
    rate_low DOUBLE COMMENT 'Lower end of its 95 % interval: Wilson''s, with the effective sample size that clustering by user leaves.',
    rate_high DOUBLE COMMENT 'Upper end of the interval.',
    expected_rate DOUBLE COMMENT 'Mean share of converted sessions in the matched sets of these sessions: the rate that their length alone would give.',
    population_rate DOUBLE COMMENT 'conversion_rate at the share of converting sessions in the population (King and Zeng 2001). NULL where no session, or every one, converts.'
)
COMMENT = 'Raw conversion rates by how often an event type occurs in a session before the cut, to hold beside the effect of a model. Over sessions of the risk set only: whole sessions that do not convert are longer and hold more of everything. One row per event type and decile of its count.';
