CREATE TABLE journey_metrics (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    model VARCHAR COMMENT 'journey_model, journey_model_without_intent, logistic_counts, last_touch or prior.',
    n_journeys BIGINT COMMENT 'Journeys of the window.',
    n_bought BIGINT COMMENT 'Of these, with a purchase.',
    auc DOUBLE COMMENT 'P(a journey with a purchase scores higher than one without); NULL with fewer than 30 of either.',
    average_precision DOUBLE COMMENT 'Area under precision and recall.',
    log_loss DOUBLE COMMENT 'Mean log-loss of the probabilities.',
    brier DOUBLE COMMENT 'Mean squared error of the probabilities.',
    ece DOUBLE COMMENT 'Expected calibration error over ten bins.',
    predicted_purchases DOUBLE COMMENT 'Sum of the probabilities: compare with n_bought.'
)
COMMENT = 'How well the journey model tells journeys with a purchase from others, beside simple predictors, on the window. One row per predictor.'
