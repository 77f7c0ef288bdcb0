-- How many traits lack a profile or have an impossible one, and what sizes and customers sum to; one row.
WITH had AS (
    SELECT trait, SUM(CASE WHEN is_dominant THEN 1 ELSE 0 END) AS customers
    FROM customer_traits
    WHERE window_start = :window_start
    GROUP BY trait
),

profiles AS (
    SELECT *
    FROM trait_profiles
    WHERE window_start = :window_start
),

judged AS (
    SELECT
        COALESCE(had.trait, profiles.trait) AS trait,
        profiles.suggested_name AS suggested_name,
        profiles.size_share AS size_share,
        profiles.customers AS customers,
        COALESCE(had.customers, 0) AS counted_customers,
        CASE
            WHEN
                profiles.suggested_name IS NOT NULL
                AND profiles.size_share BETWEEN 0 AND 1
                AND COALESCE(profiles.conversion_lift_low, 0) <= COALESCE(profiles.conversion_lift_high, 0)
                AND COALESCE(profiles.spend_lift_low_usd, 0) <= COALESCE(profiles.spend_lift_high_usd, 0)
                AND COALESCE(profiles.relative_price_low, 0) <= COALESCE(profiles.relative_price_high, 0)
                AND COALESCE(profiles.sale_lift_low, 0) <= COALESCE(profiles.sale_lift_high, 0)
                AND COUNT(*) OVER (PARTITION BY profiles.trait) = 1
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM had
    FULL OUTER JOIN profiles ON had.trait = profiles.trait
)

SELECT
    COUNT(*) AS n_traits,
    SUM(size_share) - 1 AS size_difference,
    COALESCE(SUM(is_wrong), 0) AS n_wrong,
    COALESCE(SUM(CASE WHEN customers IS NOT NULL AND customers <> counted_customers THEN 1 ELSE 0 END), 0) AS n_other_customers
FROM judged
