-- Online shoppers' purchasing intention, every column as text; one row per session.
-- The source has no ids: equal lines are numbered, so that ids don't depend on the order of lines. Nobody can be told from them.
WITH sessions AS (
    SELECT
        CAST(raw_events.Administrative AS VARCHAR) AS administrative,
        CAST(raw_events.Administrative_Duration AS VARCHAR) AS administrative_duration,
        CAST(raw_events.Informational AS VARCHAR) AS informational,
        CAST(raw_events.Informational_Duration AS VARCHAR) AS informational_duration,
        CAST(raw_events.ProductRelated AS VARCHAR) AS product_related,
        CAST(raw_events.ProductRelated_Duration AS VARCHAR) AS product_related_duration,
        CAST(raw_events.BounceRates AS VARCHAR) AS bounce_rates,
        CAST(raw_events.ExitRates AS VARCHAR) AS exit_rates,
        CAST(raw_events.PageValues AS VARCHAR) AS page_values,
        CAST(raw_events.SpecialDay AS VARCHAR) AS special_day,
        CAST(raw_events.Weekend AS VARCHAR) AS weekend,
        CAST(raw_events.Month AS VARCHAR) AS month,
        CAST(raw_events.OperatingSystems AS VARCHAR) AS operating_systems,
        CAST(raw_events.Browser AS VARCHAR) AS browser,
        CAST(raw_events.Region AS VARCHAR) AS region,
        CAST(raw_events.TrafficType AS VARCHAR) AS traffic_type,
        CAST(raw_events.VisitorType AS VARCHAR) AS visitor_type,
        CAST(raw_events.Revenue AS VARCHAR) AS revenue
    FROM raw_events
),

marked AS (
    SELECT
        sessions.*,
        MD5(
            CONCAT(
                COALESCE(sessions.administrative, ''), '|',
                COALESCE(sessions.administrative_duration, ''), '|',
                COALESCE(sessions.informational, ''), '|',
                COALESCE(sessions.informational_duration, ''), '|',
                COALESCE(sessions.product_related, ''), '|',
                COALESCE(sessions.product_related_duration, ''), '|',
                COALESCE(sessions.bounce_rates, ''), '|',
                COALESCE(sessions.exit_rates, ''), '|',
                COALESCE(sessions.page_values, ''), '|',
                COALESCE(sessions.special_day, ''), '|',
                COALESCE(sessions.weekend, ''), '|',
                COALESCE(sessions.month, ''), '|',
                COALESCE(sessions.operating_systems, ''), '|',
                COALESCE(sessions.browser, ''), '|',
                COALESCE(sessions.region, ''), '|',
                COALESCE(sessions.traffic_type, ''), '|',
                COALESCE(sessions.visitor_type, ''), '|',
                COALESCE(sessions.revenue, '')
            )
        ) AS content
    FROM sessions
)

SELECT
    CONCAT(
        marked.content, '-',
        CAST(ROW_NUMBER() OVER (PARTITION BY marked.content ORDER BY marked.content ASC) AS VARCHAR)
    ) AS session_id,
    CAST(NULL AS VARCHAR) AS user_id,
    marked.administrative AS administrative,
    marked.administrative_duration AS administrative_duration,
    marked.informational AS informational,
    marked.informational_duration AS informational_duration,
    marked.product_related AS product_related,
    marked.product_related_duration AS product_related_duration,
    marked.bounce_rates AS bounce_rates,
    marked.exit_rates AS exit_rates,
    marked.page_values AS page_values,
    marked.special_day AS special_day,
    marked.weekend AS weekend,
    marked.month AS month,
    marked.operating_systems AS operating_systems,
    marked.browser AS browser,
    marked.region AS region,
    marked.traffic_type AS traffic_type,
    marked.visitor_type AS visitor_type,
    marked.revenue AS revenue
FROM marked
