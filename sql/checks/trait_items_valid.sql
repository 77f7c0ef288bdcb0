-- How many items of traits have impossible shares, and how many examples are not what customers have; one row.
WITH items AS (
    SELECT
        trait,
        CONCAT(kind, ' ', item_id) AS name,
        over_representation AS figure,
        CASE
            WHEN
                share_in_trait BETWEEN 0 AND 1
                AND share_in_all > 0
                AND ABS(over_representation - share_in_trait / share_in_all) <= :rounding * over_representation
                AND COUNT(*) OVER (PARTITION BY trait, kind, item_rank) = 1
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM trait_items
    WHERE window_start = :window_start
),

examples AS (
    SELECT
        trait_examples.trait AS trait,
        trait_examples.user_id AS name,
        trait_examples.weight AS figure,
        CASE
            WHEN ABS(trait_examples.weight - COALESCE(customer_traits.weight, 0)) <= :rounding THEN 0
            ELSE 1
        END AS is_wrong
    FROM trait_examples
    LEFT JOIN customer_traits
        ON trait_examples.window_start = customer_traits.window_start
        AND trait_examples.trait = customer_traits.trait
        AND trait_examples.user_id = customer_traits.user_id
    WHERE trait_examples.window_start = :window_start
)

SELECT
    (SELECT COALESCE(SUM(is_wrong), 0) FROM items) AS n_wrong,
    (SELECT COALESCE(SUM(is_wrong), 0) FROM examples) AS n_wrong_examples
