-- Units of the experiment with one of their outcomes, in a fixed order; one row per unit.
SELECT session_id, user_id, arm, is_treated, happened, revenue_usd, true_effect
FROM treatment_assignment
WHERE window_start = :window_start AND outcome = :outcome
ORDER BY session_id ASC
