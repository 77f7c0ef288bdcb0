"""Which events of a session drive conversion: from event streams to attribution tables, as Dagster assets."""
