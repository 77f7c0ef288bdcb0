"""What looks after what was made: alerts, models, people's data."""

from typing import Annotated

import typer

from attribution_dagster.cli.options import Dataset, console, workspace_of
from attribution_dagster.settings import Settings

app = typer.Typer()


@app.command()
def alerts(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every target.")] = False,
) -> None:
    """Whether each target has been told of all failures; exit code 1 if one is more than 15 minutes behind, or did not take the test message."""
    from attribution_dagster.cli.alerts import send_test, standing

    settings = Settings.from_environment()
    shown, is_well = send_test(settings) if test else standing(settings)
    console.print(shown)
    if not is_well:
        raise typer.Exit(1)


@app.command()
def models(
    dataset: Dataset = "marketplace",
    close_abandoned: Annotated[
        bool, typer.Option("--close-abandoned", help="Close the MLflow runs that killed processes left open.")
    ] = False,
) -> None:
    """The trained models: versions, which is champion, what the gate said of each."""
    from attribution_dagster.cli import models as commands

    workspace = workspace_of(dataset)
    if close_abandoned:
        closed = commands.close_abandoned(workspace)
        console.print(f"closed: {', '.join(closed) or 'no run was left open'}", soft_wrap=True, highlight=False)
    console.print(commands.list_models(workspace))


@app.command()
def rollback(
    variant: Annotated[str, typer.Option(help="Variant whose champion is replaced.")],
    dataset: Dataset = "marketplace",
    to: Annotated[int | None, typer.Option(min=1, help="Version to restore; by default the previous champion.")] = None,
    reason: Annotated[str, typer.Option(help="Why; the reason is kept with the version.")] = "not said",
) -> None:
    """Makes an earlier champion the champion again."""
    from attribution_dagster.cli.models import roll_back

    console.print(roll_back(workspace_of(dataset), variant, to, reason), soft_wrap=True, highlight=False)


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="The user's id, as it stands in the events.")],
    dataset: Dataset = "marketplace",
) -> None:
    """Removes a user from everything stored and keeps them out; says what has to be made again. Nothing else may run meanwhile."""
    from attribution_dagster.assets.forgetting import forget_user
    from attribution_dagster.cli.care import show_forgotten

    console.print(show_forgotten(forget_user(workspace_of(dataset), user), dataset))


@app.command()
def retention(
    dataset: Dataset = "marketplace",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Removes windows, exports and MLflow runs past the profile's retention; each publication does so too."""
    from attribution_dagster.cli.care import show_retired
    from attribution_dagster.resources.retention import past_retention, retire

    workspace = workspace_of(dataset)
    retired = past_retention(workspace)
    if not dry_run:
        retire(workspace, retired)
    console.print(show_retired(retired, dry_run))


@app.command()
def home() -> None:
    """Makes the folder that Dagster keeps its history in, and prints it."""
    from attribution_dagster.cli.launch import dagster_home

    console.print(str(dagster_home(Settings.from_environment())), soft_wrap=True, highlight=False)
