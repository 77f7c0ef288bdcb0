-- How many journeys with ads have no or several embeddings, or one that can't be; one row.
WITH sides AS (
    SELECT
        COALESCE(ad_journeys.journey_id, journey_embeddings.journey_id) AS journey_id,
        MAX(CASE WHEN ad_journeys.n_events > 0 THEN 1 ELSE 0 END) AS expected,
        COUNT(journey_embeddings.journey_id) AS found,
        MAX(
            CASE
                WHEN
                    journey_embeddings.journey_id IS NOT NULL
                    AND (
                        journey_embeddings.probability IS NULL
                        OR NOT journey_embeddings.probability BETWEEN 0 AND 1
                        OR journey_embeddings.label <> ad_journeys.label
                    )
                    THEN 1
                ELSE 0
            END
        ) AS is_out_of_range
    FROM ad_journeys
    FULL OUTER JOIN journey_embeddings
        ON ad_journeys.window_start = journey_embeddings.window_start
        AND ad_journeys.journey_id = journey_embeddings.journey_id
    WHERE COALESCE(ad_journeys.window_start, journey_embeddings.window_start) = :window_start
    GROUP BY COALESCE(ad_journeys.journey_id, journey_embeddings.journey_id)
)

SELECT
    SUM(found) AS n_embeddings,
    COALESCE(SUM(CASE WHEN found <> expected THEN 1 ELSE 0 END), 0) AS n_not_once,
    COALESCE(SUM(is_out_of_range), 0) AS n_out_of_range
FROM sides
