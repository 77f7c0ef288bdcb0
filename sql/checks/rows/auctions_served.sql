-- Won auctions without an impression, and impressions without a won auction; one row each.
WITH {common_tables}

SELECT auction_id, is_won, is_shown
FROM sides
WHERE is_won <> is_shown
ORDER BY is_shown DESC, auction_id ASC
