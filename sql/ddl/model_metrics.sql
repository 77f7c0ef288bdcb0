CREATE TABLE model_metrics_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose sessions the predictors are measured on.',
    model VARCHAR COMMENT 'transformer, logistic_regression (on counts of event types), length (alone) or base_rate; all fitted on the risk set of the training windows.',
    population VARCHAR COMMENT 'Of the risk set: all sessions, or unseen, those of users without a training session. Of all sampled sessions: uncut (seen to their conversion or end: how much the missing cut gives away; length is then fitted on these very sessions), and after_5, after_10, after_20 (sessions still open after so many events outside the funnel, seen up to there; converted means later).',
    n_sessions BIGINT COMMENT 'Sessions measured.',
    n_converted BIGINT COMMENT 'Of these, converted; with fewer than 30 of either kind no metric is given.',
    prevalence DOUBLE COMMENT 'Share of converted sessions, which average precision starts from.',
    auc DOUBLE COMMENT 'Area under the ROC curve; .5 is chance.',
    auc_low DOUBLE COMMENT 'Lower end of its 95 % interval over resampled users.',
    auc_high DOUBLE COMMENT 'Upper end of the interval.',
    auc_gain DOUBLE COMMENT 'AUC of the transformer minus this one, NULL for itself.',
    auc_gain_low DOUBLE COMMENT 'Lower end of its 95 % interval over the same resampled users.',
    auc_gain_high DOUBLE COMMENT 'Upper end of the interval.',
    average_precision DOUBLE COMMENT 'Area under the precision-recall curve.',
    log_loss DOUBLE COMMENT 'Mean negative log-likelihood of the (for the transformer: calibrated) probabilities.',
    brier DOUBLE COMMENT 'Mean squared error of the probabilities.',
    ece DOUBLE COMMENT 'Expected calibration error over ten equally filled bins.'
)
COMMENT = 'The model beside its baselines, on the window explained, which none of them was trained on. One row per predictor and population.'
