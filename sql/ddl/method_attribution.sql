CREATE TABLE method_attribution_{variant} (
    window_start TIMESTAMP_NTZ COMMENT 'Start of the window (UTC) that the session began in.',
    method VARCHAR COMMENT 'Attribution method.',
    session_id VARCHAR COMMENT 'Session of the event.',
    event_position INTEGER COMMENT 'Place of the event among those of its session that the variant keeps, from 0.',
    event_type VARCHAR COMMENT 'Type of the event.',
    signed_attribution DOUBLE COMMENT 'Contribution of the event as the method defines it, in logits; attention and random have no unit. NULL for events before those the model reads.',
    centred_attribution DOUBLE COMMENT 'The same against an average event; equal to the signed one for attention and random. NULL for events before those the model reads.'
)
COMMENT = 'Attribution of a sample of risk-set sessions by every method; the default method alone is stored for all sessions (gradient_attribution). One row per method, session and event.'
