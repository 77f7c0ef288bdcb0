CREATE TABLE attribution_trust_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) whose attribution is tested.',
    granularity VARCHAR COMMENT 'What is tested: the attribution of each occurrence, of event_type, of position or of store; or the model.',
    test VARCHAR COMMENT 'Name of the test; what it asks is in meaning.',
    method VARCHAR COMMENT 'Attribution method. Rows of other methods than the published one, random among them, stand there to compare with.',
    value DOUBLE COMMENT 'What was measured; NULL where there is too little to measure it.',
    value_low DOUBLE COMMENT 'Lower end: of the 95 % interval over users for auc, areas and sensitivity; lowest of several models for correlations and above_noise; quartile for completeness. NULL where there is none.',
    value_high DOUBLE COMMENT 'Upper end of the same.',
    bound_low DOUBLE COMMENT 'The value, or its whole interval where there is one over users, has to lie above; NULL without such a bound.',
    bound_high DOUBLE COMMENT 'The value has to lie below; NULL without such a bound.',
    passed BOOLEAN COMMENT 'Whether it does. NULL where there is no bound, or too little to tell; meaning then says so.',
    blocking BOOLEAN COMMENT 'Whether a failure holds the window back from publication.',
    meaning VARCHAR COMMENT 'What the test asks, in words.'
)
COMMENT = 'The trust report: tests of the attribution, of the model behind it and of their stability. A blocking test that failed holds the whole window back. One row per test, granularity and method.';
