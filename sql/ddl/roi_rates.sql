CREATE TABLE roi_rates (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) in which the units were assigned.',
    replicate BIGINT COMMENT '0: as measured; from 1 on: in a resample of the units.',
    targeted_share DOUBLE COMMENT 'Share of the population that is contacted, those with the highest uplift first.',
    treated_rate DOUBLE COMMENT 'Conversion rate of the treated among them; NULL where there is none.',
    control_rate DOUBLE COMMENT 'Conversion rate of the control among them; NULL where there is none.',
    data VARCHAR COMMENT 'real, or simulated treatment: then both outcomes of each unit were drawn by a program, and nothing here was observed.'
)
COMMENT = 'What roi_simulation is computed from: with other costs and values the same rates give another projection, with its interval. One row per resample and share.'
