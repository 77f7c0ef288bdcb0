CREATE TABLE conversion_metrics (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose sessions are predicted; none of the models was trained on them.',
    feature_set VARCHAR COMMENT 'What the prediction was made from: early or full (see session_features); of a table of sessions full, or without_suspected: without the numbers that may know the outcome.',
    model VARCHAR COMMENT 'catboost, xgboost or logistic_regression; length (logistic regression on the number of events alone), base_rate; adversarial: a model that tells these sessions from those learnt from.',
    segment VARCHAR COMMENT 'all, or a group of the sessions: new and returning users, device used before or not, main category; of a table of sessions all the later ones, or cross_validated: all by chance folds.',
    metric VARCHAR COMMENT 'auc, average_precision, log_loss, brier, ece (expected calibration error over ten bins), top_decile_lift (conversion rate of the tenth with the highest probabilities by everybody''s).',
    n_sessions BIGINT COMMENT 'Sessions measured; groups with fewer than 30 converted or other ones have no row.',
    n_converted BIGINT COMMENT 'Of these, converted.',
    prevalence DOUBLE COMMENT 'Share of converted sessions, which average precision starts from.',
    value DOUBLE COMMENT 'The metric.',
    value_low DOUBLE COMMENT 'Lower end of its 95 % interval over resampled users.',
    value_high DOUBLE COMMENT 'Upper end of the interval.',
    gain DOUBLE COMMENT 'The metric of the chosen model less this one''s, on the same sessions; NULL for the chosen model itself.',
    gain_low DOUBLE COMMENT 'Lower end of its 95 % interval over the same resampled users.',
    gain_high DOUBLE COMMENT 'Upper end of the interval.',
    is_chosen BOOLEAN COMMENT 'Whether it is the model that conversion_predictions come from: the lowest log-loss on the later slice of its training sessions.'
)
COMMENT = 'How well conversion is predicted, beside simple baselines. One row per feature set, model, segment and metric.'
