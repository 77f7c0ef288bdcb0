-- Sessions with their outcome and prediction; one row per session.
SELECT
    session.window_start,
    session.session_id,
    session.user_id,
    session.started_at,
    session.n_events,
    session.is_converted,
    prediction.conversion_probability,
    prediction.decile,
    prediction.risk_segment,
    prediction.is_targeted,
    prediction.reason_1
FROM sessions_history AS session
LEFT JOIN conversion_predictions_history AS prediction
    ON prediction.window_start = session.window_start
    AND prediction.session_id = session.session_id
WHERE NOT session.is_bot AND NOT session.is_censored
