"""The commands. Each opens the settings, does one thing and says where the result is; errors are one line, exit code 1."""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from attribution_dagster.errors import AttributionError
from attribution_dagster.settings import Settings

app = typer.Typer(
    help="Which events of a session drive conversion: from event streams to attribution tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Dataset = Annotated[str, typer.Option("--dataset", help="Name of the dataset: its YAML file without .yaml.")]
Events = Annotated[str | None, typer.Option("--events", help="CSV or Parquet: a file, a folder or a glob.")]
Window = Annotated[str | None, typer.Option("--window", help="Key of the window: the local date on which it starts.")]
console = Console(soft_wrap=False)


def main() -> None:
    """Entry point of the command `attribution`; ends the process."""
    code = 0
    try:
        app()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
    except (AttributionError, OSError) as error:  # OSError: a disk that is full or gone
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        code = 1
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; what was published stays as it was")
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: DuckDB's bindings print pages of leak warnings when torch and Dagster still hold modules at the end.
    os._exit(code)


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
        str | None, typer.Option(help="Whose midnights separate windows, such as Europe/Berlin.")
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
    """A look at a file before anything is run: columns, roles, time zone, conversions per window, detectable effects, minutes."""
    from attribution_dagster.cli.doctor import examine

    with console.status("reading the events"):
        findings = examine(_with_events(Settings.from_environment(), dataset, events), dataset)
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
        str, typer.Option(help="For the credits that --dry-run estimates: xsmall, small …")
    ] = "xsmall",
    events_per_window: Annotated[int | None, typer.Option(min=1, help="Likewise; else as the source had.")] = None,
    rows_per_s: Annotated[
        int, typer.Option(min=1, help="Likewise: events a second and statement, on xsmall.")
    ] = 1_000_000,
    auto_suspend_s: Annotated[int, typer.Option(min=0, help="Likewise: AUTO_SUSPEND of the warehouse.")] = 60,
) -> None:
    """From events to published attribution tables: one window, or all that can be explained."""
    if dry_run:
        from attribution_dagster.cli import dry_run as dry

        workspace = _workspace(dataset)
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

    settings = _with_events(Settings.from_environment(), dataset, events)
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
    since: Annotated[str | None, typer.Option(help="Local date from which on everything is copied again.")] = None,
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

    console.print(explain_session(_workspace(dataset), variant, session_id, method, picture))


@app.command()
def reasons(
    session_id: Annotated[str, typer.Argument(help="Id of a session in a published window.")],
    dataset: Dataset = "marketplace",
    feature_set: Annotated[str, typer.Option(help="What the prediction is made from: full, or early.")] = "full",
    picture: Annotated[Path | None, typer.Option(help="PNG file to draw the parts into.")] = None,
) -> None:
    """Why one session is thought to convert, or not: every part of the log-odds, feature by feature."""
    from attribution_dagster.cli.reasons import session_reasons

    console.print(session_reasons(_workspace(dataset), session_id, feature_set, picture))


@app.command()
def journey(
    journey_id: Annotated[str, typer.Argument(help="Id of an ad journey in a published window.")],
    dataset: Dataset = "ads",
) -> None:
    """One ad journey, event by event: what each ad adds, the probability after it, and each campaign's credit."""
    from attribution_dagster.cli.journeys import explain_journey

    console.print(explain_journey(_workspace(dataset), journey_id))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT in Snowflake's dialect, over the published tables.")],
    dataset: Dataset = "marketplace",
    rows: Annotated[int, typer.Option(min=1, help="Rows shown at most.")] = 50,
    work: Annotated[bool, typer.Option("--work", help="Over the work area: what assets and checks see.")] = False,
) -> None:
    """A query over the published tables, in Snowflake's dialect."""
    from attribution_dagster.cli.results import query_table

    console.print(query_table(_workspace(dataset), query, rows, work=work))


@app.command()
def export(
    dataset: Dataset = "marketplace",
    window: Window = None,
    out: Annotated[Path | None, typer.Option(help="Folder; exports/<dataset>/<window> where none is given.")] = None,
) -> None:
    """Writes the published tables of a window, the latest where none is named, as CSV files with the pictures."""
    from attribution_dagster.cli.results import export_window

    for path in export_window(_workspace(dataset), window, out):
        console.print(path, soft_wrap=True, highlight=False)


@app.command()
def alerts(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every target.")] = False,
) -> None:
    """How far each target has been told of failures; exit code 1 if one is more than 15 minutes behind, or the test was not taken."""
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

    workspace = _workspace(dataset)
    if close_abandoned:
        closed = commands.close_abandoned(workspace)
        console.print(f"closed: {', '.join(closed) or 'no run was left open'}", soft_wrap=True, highlight=False)
    console.print(commands.list_models(workspace))


@app.command()
def rollback(
    variant: Annotated[str, typer.Option(help="Whose champion.")],
    dataset: Dataset = "marketplace",
    to: Annotated[
        int | None, typer.Option(min=1, help="Version; the last champion before where none is given.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept with the version.")] = "not said",
) -> None:
    """Makes an earlier champion the champion again."""
    from attribution_dagster.cli.models import roll_back

    console.print(roll_back(_workspace(dataset), variant, to, reason), soft_wrap=True, highlight=False)


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="The user's id, as it stands in the events.")],
    dataset: Dataset = "marketplace",
) -> None:
    """Removes a user from everything stored and keeps them out; says what has to be made again. Nothing else may run meanwhile."""
    from attribution_dagster.assets.forgetting import forget_user
    from attribution_dagster.cli.care import show_forgotten

    console.print(show_forgotten(forget_user(_workspace(dataset), user), dataset))


@app.command()
def retention(
    dataset: Dataset = "marketplace",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
) -> None:
    """Removes windows, exports and MLflow runs past the profile's retention; each publication does so too."""
    from attribution_dagster.cli.care import show_retired
    from attribution_dagster.resources.retention import past_retention, retire

    workspace = _workspace(dataset)
    retired = past_retention(workspace)
    if not dry_run:
        retire(workspace, retired)
    console.print(show_retired(retired, dry_run))


@app.command()
def ui(
    dataset: Dataset = "marketplace",
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 3000,
) -> None:
    """Dagster's UI and its daemon, with the runs that were made from this folder; stop it with Ctrl-C."""
    from attribution_dagster.cli.launch import dagster_home

    os.environ["DAGSTER_HOME"] = str(dagster_home(Settings.from_environment()))
    os.environ["ATTRIBUTION_DATASETS"] = dataset
    command = ["dagster", "dev", "-m", "attribution_dagster.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execv(Path(sys.executable).with_name("dagster"), command)


@app.command()
def serve(
    dataset: Dataset = "marketplace",
    variant: Annotated[str, typer.Option(help="Whose champion scores.")] = "no_funnel",
    host: Annotated[str, typer.Option(help="Address to listen on; the server knows no login.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 5001,
    workers: Annotated[int, typer.Option(min=1, help="Processes, each with a model of its own.")] = 1,
    reasons: Annotated[int, typer.Option(min=0, help="Reasons given for each session, at most.")] = 5,
    max_sessions: Annotated[int, typer.Option(min=1, help="Sessions in one request, at most.")] = 256,
    max_body_mb: Annotated[float, typer.Option(min=0.001, help="Size of a request, at most.")] = 4,
    out: Annotated[
        Path | None, typer.Option(help="Only write the MLflow model to this folder, and serve nothing.")
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option(help="Only write the network as an ONNX file, and serve nothing.")
    ] = None,
) -> None:
    """Scores over HTTP: MLflow's own server on the champion; raw events in, probability and reasons out. Stop it with Ctrl-C."""
    from attribution_dagster.cli.serving import Served, become_server, save_onnx, save_scoring_model

    wanted = Served(
        host=host, port=port, workers=workers, reasons=reasons, max_sessions=max_sessions, max_body_mb=max_body_mb
    )
    workspace = _workspace(dataset)
    if onnx is not None:
        console.print(f"{save_onnx(workspace, variant, onnx)}\nwritten to {onnx}", soft_wrap=True, highlight=False)
        return
    folder, said = save_scoring_model(workspace, variant, wanted, out)
    workspace.warehouse.close()
    console.print(f"{said}\nwritten to {folder}", soft_wrap=True, highlight=False)
    if out is None:
        console.print(f"POST http://{host}:{port}/invocations", soft_wrap=True, highlight=False)
        become_server(folder, wanted)


@app.command()
def views(
    dataset: Dataset = "marketplace",
    out: Annotated[Path | None, typer.Option(help="Folder for a CSV file of each view, in place of the SQL.")] = None,
) -> None:
    """The views for BI tools: prints their SQL for Snowflake, or writes what they hold as CSV files."""
    from attribution_dagster.cli.views import print_views, write_views

    if out is None:
        print(print_views(_workspace(dataset)))
        return
    for path in write_views(_workspace(dataset), out):
        console.print(str(path), soft_wrap=True, highlight=False)


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8501,
) -> None:
    """The dashboard: what is published, read-only, in the browser; stop it with Ctrl-C."""
    from attribution_dagster.dashboard.serving import serve

    Settings.from_environment()
    serve(port)


@app.command()
def home() -> None:
    """Makes the folder that Dagster keeps its history in, and prints it."""
    from attribution_dagster.cli.launch import dagster_home

    console.print(str(dagster_home(Settings.from_environment())), soft_wrap=True, highlight=False)


def _workspace(dataset: str):  # type: ignore[no-untyped-def]
    from attribution_dagster.resources.progress import LoggedProgress
    from attribution_dagster.resources.workspace import open_workspace

    return open_workspace(dataset, Settings.from_environment(), LoggedProgress())


def _with_events(settings: Settings, dataset: str, events: str | None) -> Settings:
    from dataclasses import replace

    if events is None:
        return settings
    return replace(settings, events={**settings.events, dataset: events})


if __name__ == "__main__":
    main()
