"""What stays open until it is stopped: Dagster's UI, the scoring server, the dashboard."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from attribution_dagster.cli.options import Dataset, console, workspace_of
from attribution_dagster.settings import Settings

app = typer.Typer()


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
    host: Annotated[str, typer.Option(help="Address to listen on; the server asks for no login.")] = "127.0.0.1",
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
    workspace = workspace_of(dataset)
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
def dashboard(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8501,
) -> None:
    """The dashboard: what is published, read-only, in the browser; stop it with Ctrl-C."""
    from attribution_dagster.dashboard.serving import serve

    Settings.from_environment()
    serve(port)
