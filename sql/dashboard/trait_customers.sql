-- Customers whose id holds a text, with their largest trait; one row per customer.
SELECT
    weights.user_id,
    weights.trait,
    profiles.suggested_name,
    weights.weight,
    weights.is_fallback,
    COUNT(*) OVER () AS total_rows
FROM customer_traits_history AS weights
LEFT JOIN trait_profiles_history AS profiles
    ON profiles.window_start = weights.window_start
    AND profiles.trait = weights.trait
WHERE weights.window_start = :window_start AND weights.is_dominant AND CONTAINS(weights.user_id, :text)
ORDER BY weights.weight DESC, weights.user_id
LIMIT :rows OFFSET :skip
