-- Findings that are repeated, not significant, of a funnel event, or contradict their own numbers; one row.
WITH judged AS (
    SELECT
        findings.variant AS variant,
        findings.event_type AS event_type,
        findings.sentence AS sentence,
        findings.mean_centred_effect AS mean_centred_effect,
        findings.q_value AS q_value,
        COUNT(*) OVER (PARTITION BY findings.variant, findings.event_type) AS n_same,
        CASE
            WHEN findings.sentence IS NULL OR findings.caveat IS NULL THEN 1
            WHEN findings.event_type IS NULL THEN 0
            WHEN
                findings.q_value IS NULL OR findings.q_value >= :significance
                OR findings.effect_low > findings.mean_centred_effect OR findings.effect_high < findings.mean_centred_effect
                OR findings.odds_change * findings.mean_centred_effect < 0
                OR findings.points_change * findings.mean_centred_effect < 0
                OR findings.base_rate < 0 OR findings.base_rate > 1
                OR findings.windows_same_sign > findings.windows_compared
                OR COALESCE(event_roles.is_funnel, FALSE)
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM findings
    LEFT JOIN event_roles ON findings.event_type = event_roles.event_type
    WHERE findings.window_start = :window_start
)

SELECT
    COUNT(*) AS n_rows,
    COUNT(CASE WHEN n_same > 1 THEN 1 END) AS n_repeated,
    COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM judged
