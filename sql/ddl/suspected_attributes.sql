CREATE TABLE suspected_attributes (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the sessions are of.',
    attribute VARCHAR COMMENT 'A number that may know the outcome (session_table.suspected in the profile).',
    part VARCHAR COMMENT 'earlier: the sessions learnt from; later: those predicted.',
    n_sessions BIGINT COMMENT 'Sessions of the part.',
    n_converted BIGINT COMMENT 'Of these, converted.',
    conversion_rate DOUBLE COMMENT 'Share that converted.',
    auc DOUBLE COMMENT 'AUC of the number alone, as a score; NULL where all or none converted.',
    converted_without DOUBLE COMMENT 'Share of the converted sessions in which it is 0 or missing.',
    others_with DOUBLE COMMENT 'Share of the other sessions in which it is neither.'
)
COMMENT = 'How much a number that may know the outcome says by itself, before and later. One row per attribute and part.'
