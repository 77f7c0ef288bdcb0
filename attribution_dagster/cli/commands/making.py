"""What makes something: datasets, windows, copies, simulated events, the benchmark."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from attribution_dagster.cli.options import Dataset, Events, Window, console, with_events, workspace_of
from attribution_dagster.errors import AttributionError
from attribution_dagster.settings import Settings

app = typer.Typer()


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the dataset: lower-case letters, digits and _.")],
    events: Annotated[str, typer.Option("--events", help="CSV or Parquet: a file, a folder or a glob.")],
    like: Annotated[str, typer.Option(help="The dataset whose columns the file has.")] = "marketplace",
    conversion: Annotated[
        list[str] | None, typer.Option(help="Event type that is a conversion; may be repeated.")
    ] = None,
    funnel: Annotated[list[str] | None, typer.Option(help="Event type of the funnel; may be repeated.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Time zone whose midnights separate windows, such as Europe/Berlin.")
    ] = None,
) -> None:
    """Describes a file of your own as a dataset: writes datasets/NAME.yaml, with windows and roles that fit the file."""
    from attribution_dagster.cli.scaffold import Wanted, write_profile

    wanted = Wanted(
        name=name, events=events, like=like, conversion=conversion or (), funnel=funnel or (), time_zone=time_zone
    )
    with console.status("reading the events"):
        path = write_profile(Settings.from_environment(), wanted)
    console.print(path.read_text(), markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"written to {path}\nnext: attribution check --dataset {name}, attribution run --dataset {name}, attribution ui --dataset {name}",
        soft_wrap=True,
        highlight=False,
    )


@app.command()
def check(events: Events = None, dataset: Dataset = "marketplace") -> None:
    """Looks at a dataset before anything is run: columns, roles, time zone, conversions per window, detectable effects, minutes."""
    from attribution_dagster.cli.doctor import examine

    with console.status("reading the events"):
        findings = examine(with_events(Settings.from_environment(), dataset, events), dataset)
    console.print(findings.render())
    if findings.problems:
        raise typer.Exit(1)


@app.command()
def run(
    dataset: Dataset = "marketplace",
    events: Events = None,
    window: Window = None,
    force: Annotated[bool, typer.Option("--force", help="Make everything again, also what is current.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SQL that would be run, and run nothing.")
    ] = False,
    warehouse_size: Annotated[
        str, typer.Option(help="For the estimate of credits by --dry-run: size of the warehouse, xsmall, small …")
    ] = "xsmall",
    events_per_window: Annotated[
        int | None,
        typer.Option(min=1, help="For the estimate: events in a window; by default as many as the source had."),
    ] = None,
    rows_per_s: Annotated[
        int, typer.Option(min=1, help="For the estimate: events that a statement reads in a second on xsmall.")
    ] = 1_000_000,
    auto_suspend_s: Annotated[
        int, typer.Option(min=0, help="For the estimate: AUTO_SUSPEND of the warehouse, in seconds.")
    ] = 60,
) -> None:
    """From events to published attribution tables: one window, or all that can be explained."""
    if dry_run:
        from attribution_dagster.cli import dry_run as dry

        workspace = workspace_of(dataset)
        assumed = dry.assumptions(
            workspace, size=warehouse_size, events_per_window=events_per_window, rows_per_s=rows_per_s, auto_suspend_s=auto_suspend_s
        )  # fmt: skip
        for text in dry.dry_run(workspace, window, assumed):
            print(text)
        return
    import time

    from attribution_dagster.cli.journeys import summarise_journeys
    from attribution_dagster.cli.launch import launch
    from attribution_dagster.cli.pipes import reporting
    from attribution_dagster.cli.progress import TerminalProgress
    from attribution_dagster.cli.results import page_of_run, summarise
    from attribution_dagster.datasets.one_window import OneWindowProfile
    from attribution_dagster.reports.summary import render
    from attribution_dagster.resources.workspace import open_workspace

    settings = with_events(Settings.from_environment(), dataset, events)
    began = time.monotonic()
    with TerminalProgress(console) as progress, reporting() as report:
        workspace = open_workspace(dataset, settings, progress)
        plan = launch(workspace, window, force=force, report=report)
    for key, reason in plan.left_out.items():
        console.print(f"window {key} is not explained: it {reason}", highlight=False)
    for key in plan.explained:
        console.print()
        took = time.monotonic() - began if key == plan.explained[-1] else None
        if isinstance(workspace.profile, OneWindowProfile):
            console.print(page_of_run(workspace, key), highlight=False)
        if workspace.profile.variants:
            console.print(render(summarise(workspace, key, duration_s=took)), crop=False)
        if workspace.profile.journeys is not None:
            console.print(summarise_journeys(workspace, key), crop=False)
    workspace.warehouse.close()


@app.command()
def copy(
    dataset: Dataset = "marketplace",
    since: Annotated[str | None, typer.Option(help="Copy everything again from this local date on.")] = None,
) -> None:
    """Copies what is new in the database table that the events come from; `run` does so by itself."""
    from attribution_dagster.cli.progress import TerminalProgress
    from attribution_dagster.resources.database_source import update_copy
    from attribution_dagster.resources.workspace import open_workspace

    try:
        first = date.fromisoformat(since) if since else None
    except ValueError:
        raise AttributionError(f"--since {since}: write a date, such as 2026-01-31") from None
    with TerminalProgress(console) as progress:
        workspace = open_workspace(dataset, Settings.from_environment(), progress)
        with workspace.locks.judging():
            update_copy(workspace.profile, workspace.settings, workspace.warehouse.suppression(), progress, first)
    workspace.warehouse.close()


@app.command()
def simulate(
    users: Annotated[int, typer.Option(min=1, help="Users of the simulated marketplace.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")],
    out: Annotated[Path, typer.Option(help="Folder for events/ and truth/.")],
    weeks: Annotated[int, typer.Option(min=1, help="Weeks of activity.")] = 5,
    start: Annotated[str, typer.Option(help="First day, a Monday.")] = "2025-01-06",
) -> None:
    """A simulated marketplace whose effects are known: events, and the truth beside them."""
    from attribution_dagster.cli.progress import TerminalProgress
    from attribution_dagster.core.simulation.marketplace import simulate_marketplace

    try:
        with TerminalProgress(console) as progress:
            progress.start(f"simulating {users} users")
            done = simulate_marketplace(
                out, users=users, weeks=weeks, start=date.fromisoformat(start), seed=seed, progress=progress.advance
            )
            progress.finish("done")
    except ValueError as error:
        raise AttributionError(str(error)) from error
    console.print(
        f"{done.events:,} events in {done.sessions:,} sessions, {done.conversion_rate:.1%} converted. Simulated, not real."
    )
    console.print(f"events: {out / 'events'}\ntruth:  {out / 'truth'}", soft_wrap=True)


@app.command()
def benchmark(
    out: Annotated[Path, typer.Option(help="Folder for truth-benchmark.md and truth-benchmark.png.")],
    world: Annotated[list[str] | None, typer.Option(help="A world by name; may be repeated. All without it.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds per world.")] = 1,
    sessions: Annotated[int, typer.Option(min=400, max=20_000, help="Sessions to train on, per world.")] = 14_000,
) -> None:
    """How well attribution recovers planted truth in simulated worlds, beside simple baselines: a table, a page, a picture."""
    from attribution_dagster.cli.benchmark import PAGE, Wanted, run_benchmark, show_results
    from attribution_dagster.core.benchmark.worlds import Size

    size = Size(sessions=sessions, explained=min(Size.explained, sessions // 4))
    results = run_benchmark(Wanted(worlds=world or (), seeds=seeds, size=size, out=out), console)
    console.print(show_results(results))
    console.print(f"written to {out / PAGE}", soft_wrap=True, highlight=False)
