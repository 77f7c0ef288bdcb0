-- How many stages of the funnel report differ from the funnel's counts, or from their own arithmetic; one row.
WITH compared AS (
    SELECT
        funnel_report.stage AS stage,
        funnel_report.sessions AS sessions,
        funnel_metrics.sessions AS counted_sessions,
        funnel_report.converted AS converted,
        funnel_report.abandoned AS abandoned,
        funnel_report.lost_revenue_usd AS lost_revenue_usd,
        CASE
            WHEN
                funnel_metrics.sessions = funnel_report.sessions
                AND funnel_report.converted + funnel_report.abandoned = funnel_report.sessions
                AND ABS(
                    funnel_report.lost_revenue_usd
                    - funnel_report.abandoned * funnel_report.order_value_usd * funnel_report.recoverable_share
                ) < 0.01
                AND funnel_report.lost_revenue_low_usd <= funnel_report.lost_revenue_usd + 0.01
                AND funnel_report.lost_revenue_usd <= funnel_report.lost_revenue_high_usd + 0.01
                THEN 0
            ELSE 1
        END AS is_wrong
    FROM funnel_report
    LEFT JOIN funnel_metrics
        ON funnel_report.stage = funnel_metrics.stage AND funnel_report.window_start = funnel_metrics.window_start
    WHERE funnel_report.window_start = :window_start
)

SELECT COALESCE(SUM(is_wrong), 0) AS n_wrong
FROM compared
