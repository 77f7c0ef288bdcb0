"""Interactive figures from published rows: the dashboard and the static report draw the same ones."""
