-- How often compared sessions convert, by how often an event type occurs in them before the cut; one row per event type and
-- decile of its count. Sessions of the same count share a decile, so there can be fewer than ten. Only sessions of the risk
-- set: a session that converts is cut there and its controls are cut at the same length, whereas whole sessions that do not
-- convert are longer and hold more of everything. Intervals are Wilson's, with the sample size that clustering by user leaves.
WITH occurrences AS (
    SELECT event_type, session_id, user_id, label
    FROM gradient_attribution_{variant}
    WHERE window_start = :window_start AND in_risk_set
),

explained AS (
    SELECT DISTINCT session_id, user_id, label
    FROM occurrences
),

compared AS (
    SELECT
        explained.session_id AS session_id,
        explained.user_id AS user_id,
        explained.label AS label,
        AVG(CAST(explained.label AS DOUBLE)) OVER (PARTITION BY COALESCE(risk_set.matched_case, '')) AS expected
    FROM explained
    INNER JOIN risk_set ON explained.session_id = risk_set.session_id
    WHERE risk_set.window_start = :window_start
),

supported AS (
    SELECT event_type
    FROM occurrences
    GROUP BY event_type
    HAVING COUNT(DISTINCT user_id) >= :minimum_support
),

counts AS (
    SELECT event_type, session_id, COUNT(*) AS n_occurrences
    FROM occurrences
    GROUP BY event_type, session_id
),

counted AS (
    SELECT
        supported.event_type AS event_type,
        compared.user_id AS user_id,
        compared.label AS label,
        compared.expected AS expected,
        COALESCE(counts.n_occurrences, 0) AS n_occurrences
    FROM supported
    CROSS JOIN compared
    LEFT JOIN counts ON supported.event_type = counts.event_type AND compared.session_id = counts.session_id
),

by_count AS (
    SELECT event_type, n_occurrences, COUNT(*) AS n_sessions
    FROM counted
    GROUP BY event_type, n_occurrences
),

placed AS (
    SELECT
        event_type,
        n_occurrences,
        CAST(
            1 + FLOOR(
                10 * CAST(
                    SUM(n_sessions) OVER (
                        PARTITION BY event_type
                        ORDER BY n_occurrences ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                    ) - n_sessions AS DOUBLE
                ) / SUM(n_sessions) OVER (PARTITION BY event_type)
            ) AS INTEGER
        ) AS decile
    FROM by_count
),

user_sums AS (
    SELECT
        counted.event_type AS event_type,
        placed.decile AS decile,
        counted.user_id AS user_id,
        COUNT(*) AS n,
        SUM(counted.label) AS converted,
        SUM(counted.expected) AS expected,
        SUM(counted.n_occurrences) AS n_occurrences,
        MIN(counted.n_occurrences) AS count_low,
        MAX(counted.n_occurrences) AS count_high
    FROM counted
    INNER JOIN placed
        ON counted.event_type = placed.event_type AND counted.n_occurrences = placed.n_occurrences
    GROUP BY counted.event_type, placed.decile, counted.user_id
),

residuals AS (
    SELECT
        user_sums.*,
        converted - n * (
            CAST(SUM(converted) OVER (PARTITION BY event_type, decile) AS DOUBLE)
            / SUM(n) OVER (PARTITION BY event_type, decile)
        ) AS residual,
        SUM(n) OVER (PARTITION BY event_type, decile) - n AS n_others
    FROM user_sums
),

rates AS (
    SELECT
        event_type,
        decile,
        MIN(count_low) AS count_low,
        MAX(count_high) AS count_high,
        CAST(SUM(n_occurrences) AS DOUBLE) / SUM(n) AS mean_count,
        SUM(n) AS sessions,
        COUNT(*) AS users,
        SUM(converted) AS converted,
        CAST(SUM(converted) AS DOUBLE) / SUM(n) AS rate,
        SUM(expected) / SUM(n) AS expected_rate,
        SUM(residual * residual / NULLIF(n_others, 0)) / SUM(n) AS variance
    FROM residuals
    GROUP BY event_type, decile
),

-- How many independent sessions would leave the same variance: never more than there are, and users where nothing varies.
effective AS (
    SELECT
        rates.*,
        CASE
            WHEN variance > 0 THEN LEAST(rate * (1 - rate) / variance, CAST(sessions AS DOUBLE))
            ELSE CAST(users AS DOUBLE)
        END AS n_effective
    FROM rates
),

intervals AS (
    SELECT
        effective.*,
        (rate + 1.9208 / n_effective) / (1 + 3.8416 / n_effective) AS centre,
        1.96 * SQRT(rate * (1 - rate) / n_effective + 0.9604 / (n_effective * n_effective))
        / (1 + 3.8416 / n_effective) AS half
    FROM effective
),

-- Odds of converting among all sessions, over those among the compared ones: matching raised them.
base AS (
    SELECT
        AVG(CAST(label AS DOUBLE)) / NULLIF(1 - AVG(CAST(label AS DOUBLE)), 0)
        * (1 - AVG(CASE WHEN in_risk_set THEN CAST(label AS DOUBLE) END))
        / NULLIF(AVG(CASE WHEN in_risk_set THEN CAST(label AS DOUBLE) END), 0) AS odds_ratio
    FROM risk_set
    WHERE window_start = :window_start
)

SELECT
    CAST(:window_start AS TIMESTAMP_NTZ) AS window_start,
    intervals.event_type AS event_type,
    intervals.decile AS decile,
    CAST(intervals.count_low AS BIGINT) AS count_low,
    CAST(intervals.count_high AS BIGINT) AS count_high,
    intervals.mean_count AS mean_count,
    CAST(intervals.sessions AS BIGINT) AS sessions,
    CAST(intervals.users AS BIGINT) AS users,
    CAST(intervals.converted AS BIGINT) AS converted,
    intervals.rate AS conversion_rate,
    -- The rate lies inside by definition; where it is 0 or 1, at an end, and rounding must not put it beyond.
    LEAST(GREATEST(intervals.centre - intervals.half, 0), intervals.rate) AS rate_low,
    GREATEST(LEAST(intervals.centre + intervals.half, 1), intervals.rate) AS rate_high,
    intervals.expected_rate AS expected_rate,
    intervals.rate * base.odds_ratio / (1 - intervals.rate + intervals.rate * base.odds_ratio) AS population_rate
FROM intervals
CROSS JOIN base
