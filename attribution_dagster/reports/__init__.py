"""Pictures, exports and texts made from published tables: plain values in, no Dagster and no warehouse client."""
