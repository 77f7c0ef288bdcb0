-- How many sessions' flags, counts and first times contradict each other or the session; one row.
SELECT
    COUNT(*) AS n_rows,
    COUNT(
        CASE
            WHEN
                session_funnels.has_view <> (session_funnels.n_views > 0)
                OR session_funnels.has_view <> (session_funnels.first_view_at IS NOT NULL)
                OR session_funnels.has_addtocart <> (session_funnels.n_addtocarts > 0)
                OR session_funnels.has_addtocart <> (session_funnels.first_addtocart_at IS NOT NULL)
                OR session_funnels.has_checkout <> (session_funnels.n_checkouts > 0)
                OR session_funnels.has_checkout <> (session_funnels.first_checkout_at IS NOT NULL)
                OR session_funnels.has_transaction <> (session_funnels.n_transactions > 0)
                OR session_funnels.has_transaction <> (session_funnels.first_transaction_at IS NOT NULL)
                OR session_funnels.has_transaction <> sessions.is_converted
                THEN 1
        END
    ) AS n_contradicting,
    COUNT(
        CASE
            WHEN
                session_funnels.first_view_at < sessions.started_at OR session_funnels.first_view_at > sessions.ended_at
                OR session_funnels.first_addtocart_at < sessions.started_at OR session_funnels.first_addtocart_at > sessions.ended_at
                OR session_funnels.first_checkout_at < sessions.started_at OR session_funnels.first_checkout_at > sessions.ended_at
                OR session_funnels.first_transaction_at < sessions.started_at OR session_funnels.first_transaction_at > sessions.ended_at
                THEN 1
        END
    ) AS n_outside_session
FROM session_funnels
INNER JOIN sessions
    ON session_funnels.session_id = sessions.session_id AND session_funnels.window_start = sessions.window_start
WHERE session_funnels.window_start = :window_start
