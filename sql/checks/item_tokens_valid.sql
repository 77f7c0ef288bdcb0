-- How many tokens are repeated or never occur, and how many profiles are impossible or wrongly chosen; one row.
WITH tokens AS (
    SELECT
        token AS name,
        occurrences,
        CASE
            WHEN
                COUNT(*) OVER (PARTITION BY token) > 1
                OR occurrences IS NULL
                OR occurrences < 1
                OR token <> TRIM(token)
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM item_tokens
    WHERE window_start = :window_start
),

profiles AS (
    SELECT
        profile AS name,
        hit_rate_10,
        CASE
            WHEN
                SUM(CASE WHEN is_chosen THEN 1 ELSE 0 END) OVER () <> 1
                OR NOT COALESCE(hit_rate_10, -1) BETWEEN 0 AND 1
                OR NOT COALESCE(ndcg_10, -1) BETWEEN 0 AND 1
                THEN 1
            ELSE 0
        END AS is_wrong
    FROM item2vec_search
    WHERE window_start = :window_start
)

SELECT
    (SELECT COUNT(*) FROM tokens) AS n_tokens,
    (SELECT COALESCE(SUM(is_wrong), 0) FROM tokens) AS n_wrong,
    (SELECT COALESCE(SUM(is_wrong), 0) FROM profiles) AS n_wrong_profiles
