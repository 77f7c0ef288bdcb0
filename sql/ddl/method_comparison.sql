CREATE TABLE method_comparison_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that is explained.',
    granularity VARCHAR COMMENT 'occurrence: events are compared within each session; event_type: the means of event types are.',
    method VARCHAR COMMENT 'Attribution method.',
    other_method VARCHAR COMMENT 'The method it is compared with.',
    rank_correlation DOUBLE COMMENT 'Spearman correlation of centred attributions: mean over sessions, or over event types; NULL where fewer than three events or types can be told apart.',
    top_five_agreement DOUBLE COMMENT 'Share of the five largest, by absolute value, that both methods name; NULL where there are not more than five.',
    seconds_per_1000_sessions DOUBLE COMMENT 'What the method took on the machine that made the table, for 1,000 sessions such as those of the sample.',
    sessions BIGINT COMMENT 'Sessions of the sample, the same for every method.',
    n_compared BIGINT COMMENT 'Sessions, or event types with at least ten occurrences, that the correlation is over.',
    residual_median DOUBLE COMMENT 'What the attributions of a session miss of the sum that the method promises (integrated gradients: logit minus that of the baseline), in logits: median over sessions; NULL where the method promises none.',
    residual_max DOUBLE COMMENT 'The largest of these.',
    share_over_bound DOUBLE COMMENT 'Share of the sessions that miss more than the bound at which nodes are no longer doubled: 1 % of max(abs(difference), .1).'
)
COMMENT = 'How far attribution methods agree on the same sample of risk-set sessions, and what each costs. One row per granularity and ordered pair of methods.'
