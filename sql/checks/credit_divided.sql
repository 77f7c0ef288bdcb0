-- How many rules of credit hand out another number of purchases than came after ads; one row.
WITH bought AS (
    SELECT CAST(COALESCE(SUM(label), 0) AS DOUBLE) AS purchases
    FROM ad_journeys
    WHERE window_start = :window_start AND n_events > 0
),

rules AS (
    SELECT
        campaign_credit.rule,
        SUM(campaign_credit.purchases) AS credited
    FROM campaign_credit
    WHERE campaign_credit.window_start = :window_start
    GROUP BY campaign_credit.rule
),

judged AS (
    SELECT
        rules.rule,
        rules.credited,
        bought.purchases,
        CASE WHEN ABS(rules.credited - bought.purchases) > :rounding * (1 + bought.purchases) THEN 1 ELSE 0 END AS is_wrong
    FROM rules
    CROSS JOIN bought
)

SELECT COUNT(*) AS n_rules, COALESCE(SUM(is_wrong), 0) AS n_wrong_sums
FROM judged
