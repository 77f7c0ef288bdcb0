-- How much of each trait a customer has; one row per trait with a weight above 0.
SELECT
    weights.trait,
    profiles.suggested_name,
    weights.weight,
    profiles.size_share,
    weights.is_dominant,
    weights.is_fallback
FROM customer_traits_history AS weights
LEFT JOIN trait_profiles_history AS profiles
    ON profiles.window_start = weights.window_start
    AND profiles.trait = weights.trait
WHERE weights.window_start = :window_start AND weights.user_id = :user_id
ORDER BY weights.weight DESC, weights.trait
