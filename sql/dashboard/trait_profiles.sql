-- What each trait is: name, size, conversion and spend against all customers; one row per trait.
SELECT
    trait,
    suggested_name,
    customers,
    size_share,
    conversion_rate,
    conversion_lift,
    conversion_lift_low,
    conversion_lift_high,
    spend_usd,
    spend_lift_usd,
    spend_lift_low_usd,
    spend_lift_high_usd,
    stability,
    coherence,
    named_by
FROM trait_profiles_history
WHERE window_start = :window_start
ORDER BY size_share DESC NULLS LAST, trait
