-- How many sessions' flags, counts and first times contradict each other or the session; one row.
WITH placed AS (
    SELECT
        session_funnels.session_id AS session_id,
        sessions.started_at AS started_at,
        sessions.ended_at AS ended_at,
        sessions.is_converted AS is_converted,
        session_funnels.has_view AS has_view,
        session_funnels.n_views AS n_views,
        session_funnels.first_view_at AS first_view_at,
        session_funnels.has_addtocart AS has_addtocart,
        session_funnels.n_addtocarts AS n_addtocarts,
        session_funnels.first_addtocart_at AS first_addtocart_at,
        session_funnels.has_checkout AS has_checkout,
        session_funnels.n_checkouts AS n_checkouts,
        session_funnels.first_checkout_at AS first_checkout_at,
        session_funnels.has_transaction AS has_transaction,
        session_funnels.n_transactions AS n_transactions,
        session_funnels.first_transaction_at AS first_transaction_at
    FROM session_funnels
    INNER JOIN sessions
        ON session_funnels.session_id = sessions.session_id AND session_funnels.window_start = sessions.window_start
    WHERE session_funnels.window_start = :window_start
),

marked AS (
    SELECT
        placed.*,
        CASE
            WHEN
                has_view <> (n_views > 0) OR has_view <> (first_view_at IS NOT NULL)
                OR has_addtocart <> (n_addtocarts > 0) OR has_addtocart <> (first_addtocart_at IS NOT NULL)
                OR has_checkout <> (n_checkouts > 0) OR has_checkout <> (first_checkout_at IS NOT NULL)
                OR has_transaction <> (n_transactions > 0) OR has_transaction <> (first_transaction_at IS NOT NULL)
                OR has_transaction <> is_converted
                THEN 1
            ELSE 0
        END AS is_contradicting,
        CASE
            WHEN
                first_view_at < started_at OR first_view_at > ended_at
                OR first_addtocart_at < started_at OR first_addtocart_at > ended_at
                OR first_checkout_at < started_at OR first_checkout_at > ended_at
                OR first_transaction_at < started_at OR first_transaction_at > ended_at
                THEN 1
            ELSE 0
        END AS is_outside_session
    FROM placed
)

SELECT
    COUNT(*) AS n_rows,
    COALESCE(SUM(is_contradicting), 0) AS n_contradicting,
    COALESCE(SUM(is_outside_session), 0) AS n_outside_session
FROM marked
