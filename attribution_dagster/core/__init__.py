"""The science. Imports no orchestration framework, tracker, warehouse client, environment, clock or global random state."""
