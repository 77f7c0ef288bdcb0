"""The command line: thin, for people who don't want the UI. It launches the same assets."""

from attribution_dagster.cli.main import main

__all__ = ["main"]
