"""What assets are given: the warehouse, the artifact store with its records, the tracker, the reporter of progress."""
