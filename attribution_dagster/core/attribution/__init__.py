"""Attribution of a prediction to the events of its session: one file per method, one registry."""
