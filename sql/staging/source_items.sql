-- How many events of the source name a product, a store or a category, which customer traits are made from; one row.
SELECT
    COUNT(product_id) AS product_id,
    COUNT(store_id) AS store_id,
    COUNT(primary_category) AS primary_category
FROM canonical_events
