-- How much of an event type's lift comes from letting the model see the funnel; one row per event type of either
-- variant. A funnel event has no lift without the funnel (NULL, counted as 0 in leakage_amount).
WITH plain AS (
    SELECT event_type, attribution_lift, mean_centred_effect, driver_rank, is_funnel
    FROM transformer_event_attribution_no_funnel
    WHERE window_start = :window_start
),

leaky AS (
    SELECT event_type, attribution_lift, mean_centred_effect, driver_rank, is_funnel
    FROM transformer_event_attribution_with_funnel
    WHERE window_start = :window_start
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    COALESCE(leaky.event_type, plain.event_type) AS event_type,
    plain.attribution_lift AS no_funnel_lift,
    leaky.attribution_lift AS with_funnel_lift,
    leaky.attribution_lift - COALESCE(plain.attribution_lift, 0) AS leakage_amount,
    COALESCE(leaky.is_funnel, plain.is_funnel) AS is_funnel,
    plain.mean_centred_effect AS no_funnel_effect,
    leaky.mean_centred_effect AS with_funnel_effect,
    plain.driver_rank AS no_funnel_rank,
    leaky.driver_rank AS with_funnel_rank,
    suspected_leakage.is_suspected AS is_suspected
FROM plain
FULL OUTER JOIN leaky ON leaky.event_type = plain.event_type
LEFT JOIN suspected_leakage
    ON suspected_leakage.event_type = COALESCE(leaky.event_type, plain.event_type)
    AND suspected_leakage.window_start = :window_start
