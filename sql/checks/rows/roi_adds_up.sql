-- Shares of the curve whose figures contradict each other; one row per share.
WITH {common_tables}

SELECT targeted_share, revenue_usd, cost_usd, profit_usd, profit_usd_low, profit_usd_high, roi, is_recommended
FROM shares
WHERE is_wrong = 1
ORDER BY targeted_share ASC
