-- Sessions whose flags, counts and first times contradict each other or the session; one row per session.
WITH {common_tables}

SELECT
    session_id,
    started_at,
    ended_at,
    is_converted,
    has_view,
    n_views,
    first_view_at,
    has_addtocart,
    n_addtocarts,
    first_addtocart_at,
    has_checkout,
    n_checkouts,
    first_checkout_at,
    has_transaction,
    n_transactions,
    first_transaction_at
FROM marked
WHERE is_contradicting = 1 OR is_outside_session = 1
ORDER BY session_id ASC
