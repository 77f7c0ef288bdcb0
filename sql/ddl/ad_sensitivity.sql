CREATE TABLE ad_sensitivity (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC).',
    tilt DOUBLE COMMENT 'Odds ratio of being shown ads between equals who would buy anyway and who would not.',
    lowest DOUBLE COMMENT 'Fewest purchases added under at most that tilt.',
    highest DOUBLE COMMENT 'Most purchases added under at most that tilt.',
    explained_away_at DOUBLE COMMENT 'The tilt at which the lower bound is zero; the same in each row.'
)
COMMENT = 'Bounds on purchases that ads added, if intent that nobody logged made being shown ads likelier. One row per tilt.'
