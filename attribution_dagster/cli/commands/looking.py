"""What shows what is published."""

from pathlib import Path
from typing import Annotated

import typer

from attribution_dagster.cli.options import Dataset, Window, console, workspace_of

app = typer.Typer()


@app.command()
def explain(
    session_id: Annotated[str, typer.Argument(help="Id of a session in a published window.")],
    dataset: Dataset = "marketplace",
    variant: Annotated[str, typer.Option(help="Which model explains.")] = "no_funnel",
    method: Annotated[str | None, typer.Option(help="Attribution method; the published one if none is named.")] = None,
    picture: Annotated[Path | None, typer.Option(help="PNG file to draw the session into.")] = None,
) -> None:
    """One session, event by event: when, what, where, and how much it moved the prediction."""
    from attribution_dagster.cli.explaining import explain_session

    console.print(explain_session(workspace_of(dataset), variant, session_id, method, picture))


@app.command()
def reasons(
    session_id: Annotated[str, typer.Argument(help="Id of a session in a published window.")],
    dataset: Dataset = "marketplace",
    feature_set: Annotated[str, typer.Option(help="What the prediction is made from: full, or early.")] = "full",
    picture: Annotated[Path | None, typer.Option(help="PNG file to draw the parts into.")] = None,
) -> None:
    """Why one session is thought to convert, or not: every part of the log-odds, feature by feature."""
    from attribution_dagster.cli.reasons import session_reasons

    console.print(session_reasons(workspace_of(dataset), session_id, feature_set, picture))


@app.command()
def journey(
    journey_id: Annotated[str, typer.Argument(help="Id of an ad journey in a published window.")],
    dataset: Dataset = "ads",
) -> None:
    """One ad journey, event by event: what each ad adds, the probability after it, and each campaign's credit."""
    from attribution_dagster.cli.journeys import explain_journey

    console.print(explain_journey(workspace_of(dataset), journey_id))


@app.command()
def customer(
    user_id: Annotated[str, typer.Argument(help="Id of a customer in a published window.")],
    dataset: Dataset = "marketplace",
) -> None:
    """One customer: their traits, the customers most like them, and what they may want next, with the reason."""
    from attribution_dagster.cli.customers import show_customer

    console.print(show_customer(workspace_of(dataset), user_id))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT in Snowflake's dialect, over the published tables.")],
    dataset: Dataset = "marketplace",
    rows: Annotated[int, typer.Option(min=1, help="Rows shown at most.")] = 50,
    work: Annotated[bool, typer.Option("--work", help="Over the work area: what assets and checks see.")] = False,
) -> None:
    """A query over the published tables, in Snowflake's dialect."""
    from attribution_dagster.cli.results import query_table

    console.print(query_table(workspace_of(dataset), query, rows, work=work))


@app.command()
def export(
    dataset: Dataset = "marketplace",
    window: Window = None,
    out: Annotated[Path | None, typer.Option(help="Folder; by default exports/<dataset>/<window>.")] = None,
) -> None:
    """Writes the published tables of a window, the latest where none is named, as CSV files with the pictures."""
    from attribution_dagster.cli.results import export_window

    for path in export_window(workspace_of(dataset), window, out):
        console.print(path, soft_wrap=True, highlight=False)


@app.command()
def views(
    dataset: Dataset = "marketplace",
    out: Annotated[Path | None, typer.Option(help="Folder for a CSV file of each view, in place of the SQL.")] = None,
) -> None:
    """The views for BI tools: prints their SQL for Snowflake, or writes what they hold as CSV files."""
    from attribution_dagster.cli.views import print_views, write_views

    if out is None:
        print(print_views(workspace_of(dataset)))
        return
    for path in write_views(workspace_of(dataset), out):
        console.print(str(path), soft_wrap=True, highlight=False)
