CREATE TABLE source_hours (
    hour_start TIMESTAMP_NTZ COMMENT 'Start of the hour (UTC); NULL for rows without a usable time.',
    n_events BIGINT COMMENT 'Number of rows.',
    n_unparsable_time BIGINT COMMENT 'Of these, how many have no time that can be read.',
    n_impossible_time BIGINT COMMENT 'Of these, how many lie before 1990 or in the future.',
    first_event_at TIMESTAMP_NTZ COMMENT 'Time of the hour''s first event (UTC).',
    last_event_at TIMESTAMP_NTZ COMMENT 'Time of the hour''s last event (UTC).',
    content_digest VARCHAR COMMENT 'Changes when a row of the hour is added, taken away or altered; comparable within one engine only.'
)
COMMENT = 'What the source holds hour by hour: which windows can be built, and which have changed since they were. One row per UTC hour.'
