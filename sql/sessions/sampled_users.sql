-- The users whose sessions enter the sequences: the first N by salted hash of the id, so always the same; one row each.
WITH users AS (
    SELECT DISTINCT user_id
    FROM sessions
    WHERE window_start = :window_start
),

hashed AS (
    SELECT
        user_id,
        MD5(CONCAT(:salt, user_id)) AS sample_hash
    FROM users
),

ranked AS (
    SELECT
        user_id,
        sample_hash,
        ROW_NUMBER() OVER (ORDER BY sample_hash, user_id) AS sample_rank
    FROM hashed
)

SELECT
    :window_start AS window_start,
    user_id,
    sample_hash,
    sample_rank
FROM ranked
WHERE sample_rank <= :sample_users
