CREATE TABLE shap_summary (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose sessions are explained.',
    feature_set VARCHAR COMMENT 'What the prediction was made from: early or full.',
    model VARCHAR COMMENT 'The model that is explained, the one that predictions come from.',
    feature VARCHAR COMMENT 'The feature; what it is stands with session_features.',
    importance_rank BIGINT COMMENT 'Its place by mean_abs_effect, 1 the largest.',
    mean_abs_effect DOUBLE COMMENT 'Mean absolute SHAP value, in log-odds: how much it moves predictions.',
    mean_effect DOUBLE COMMENT 'Mean SHAP value, in log-odds.',
    direction DOUBLE COMMENT 'Rank correlation of value and effect: above 0, high values raise the prediction. NULL where either does not vary.',
    missing_share DOUBLE COMMENT 'Share of sessions in which it is missing.'
)
COMMENT = 'How much each feature moves the predictions of the chosen model, by SHAP values; effects in the model, not causes. One row per feature set and feature.'
