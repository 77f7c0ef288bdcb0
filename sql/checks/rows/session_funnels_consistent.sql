-- Sessions whose flags, counts and first times contradict each other or the session; one row per session.
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
WHERE
    session_funnels.window_start = :window_start
    AND (
        session_funnels.has_view <> (session_funnels.n_views > 0)
        OR session_funnels.has_view <> (session_funnels.first_view_at IS NOT NULL)
        OR session_funnels.has_addtocart <> (session_funnels.n_addtocarts > 0)
        OR session_funnels.has_addtocart <> (session_funnels.first_addtocart_at IS NOT NULL)
        OR session_funnels.has_checkout <> (session_funnels.n_checkouts > 0)
        OR session_funnels.has_checkout <> (session_funnels.first_checkout_at IS NOT NULL)
        OR session_funnels.has_transaction <> (session_funnels.n_transactions > 0)
        OR session_funnels.has_transaction <> (session_funnels.first_transaction_at IS NOT NULL)
        OR session_funnels.has_transaction <> sessions.is_converted
        OR session_funnels.first_view_at < sessions.started_at OR session_funnels.first_view_at > sessions.ended_at
        OR session_funnels.first_addtocart_at < sessions.started_at OR session_funnels.first_addtocart_at > sessions.ended_at
        OR session_funnels.first_checkout_at < sessions.started_at OR session_funnels.first_checkout_at > sessions.ended_at
        OR session_funnels.first_transaction_at < sessions.started_at OR session_funnels.first_transaction_at > sessions.ended_at
    )
ORDER BY session_funnels.session_id ASC
