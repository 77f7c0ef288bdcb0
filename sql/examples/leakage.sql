-- DATA LEAKAGE: what letting the model see the funnel does to each lift, in the latest published window; one row per event type.
SELECT
    COALESCE(nf.event_type, wf.event_type) AS event_type,
    nf.attribution_lift AS no_funnel_lift,
    wf.attribution_lift AS with_funnel_lift,
    wf.attribution_lift - COALESCE(nf.attribution_lift, 0) AS leakage_amount
FROM transformer_event_attribution_no_funnel AS nf
FULL OUTER JOIN transformer_event_attribution_with_funnel AS wf ON nf.event_type = wf.event_type
ORDER BY leakage_amount DESC
