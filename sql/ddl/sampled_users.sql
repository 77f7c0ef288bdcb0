CREATE TABLE sampled_users (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    user_id VARCHAR COMMENT 'Who did it, as in the source.',
    sample_hash VARCHAR COMMENT 'MD5 of the salt followed by the user id.',
    sample_rank BIGINT COMMENT 'Rank by hash, then by user id, from 1.'
)
COMMENT = 'Users whose sessions enter the sequences: the first by salted hash, the same on every run. One row per user.'
