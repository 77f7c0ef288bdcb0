-- What customers of each trait do more than others: categories, products and tokens; one row per trait, kind and item.
SELECT
    items.trait,
    profiles.suggested_name,
    items.kind,
    items.item_rank,
    items.item_id,
    items.category,
    items.share_in_trait,
    items.share_in_all,
    items.over_representation
FROM trait_items_history AS items
LEFT JOIN trait_profiles_history AS profiles
    ON profiles.window_start = items.window_start
    AND profiles.trait = items.trait
WHERE items.window_start = :window_start
ORDER BY profiles.size_share DESC NULLS LAST, items.trait, items.kind, items.item_rank
