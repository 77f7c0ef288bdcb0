-- How strong the signal of each event type is, by its lift, in the latest published window; one row per event type.
SELECT
    event_type,
    attribution_lift,
    CASE
        WHEN attribution_lift > 0.10 THEN 'Strong positive signal'
        WHEN attribution_lift > 0.05 THEN 'Moderate positive signal'
        WHEN attribution_lift < -0.05 THEN 'Negative signal'
        ELSE 'Neutral'
    END AS signal_strength
FROM transformer_event_attribution_no_funnel
WHERE attribution_lift IS NOT NULL
ORDER BY attribution_lift DESC
