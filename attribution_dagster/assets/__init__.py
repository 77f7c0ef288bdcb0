"""The graph, one file per stage. An asset's body is: fetch, call core, save, report."""
