"""Options that several commands have, and what they open."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from attribution_dagster.settings import Settings

if TYPE_CHECKING:
    from attribution_dagster.resources.workspace import Workspace

Dataset = Annotated[str, typer.Option("--dataset", help="Name of the dataset: its YAML file without .yaml.")]
Events = Annotated[str | None, typer.Option("--events", help="CSV or Parquet: a file, a folder or a glob.")]
Window = Annotated[str | None, typer.Option("--window", help="Key of the window: the local date on which it starts.")]
console = Console(soft_wrap=False)


def workspace_of(dataset: str) -> "Workspace":
    """The dataset's workspace under the settings of the environment, its progress in the log."""
    from attribution_dagster.resources.progress import LoggedProgress
    from attribution_dagster.resources.workspace import open_workspace

    return open_workspace(dataset, Settings.from_environment(), LoggedProgress())


def with_events(settings: Settings, dataset: str, events: str | None) -> Settings:
    """The settings with the dataset's events at the place named, if one is."""
    if events is None:
        return settings
    return replace(settings, events={**settings.events, dataset: events})
