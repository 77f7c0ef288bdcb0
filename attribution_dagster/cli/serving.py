"""The command that serves: the champion's model is written, then this process becomes MLflow's server over it."""

import logging
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

from attribution_dagster.assets.promotion import load_version
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.serving.app import MAX_BODY_BYTES, MODEL
from attribution_dagster.serving.packaging import champion_of, write_champion


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where and how much is served. `reasons`: for each session at most."""

    host: str
    port: int
    workers: int
    reasons: int
    max_sessions: int
    max_body_mb: float


def save_scoring_model(workspace: Workspace, variant: str, wanted: Served, out: Path | None = None) -> tuple[Path, str]:
    """Where the champion was written as an MLflow model, and a line that says which it is."""
    folder, champion = write_champion(
        workspace, variant, reasons=wanted.reasons, max_sessions=wanted.max_sessions, out=out
    )
    return folder, f"{champion.name}, trained for window {champion.trained_for}"


def become_server(folder: Path, wanted: Served) -> None:
    """Puts the server in the place of this process; it does not return."""
    os.environ[MODEL] = str(folder)
    os.environ[MAX_BODY_BYTES] = str(round(wanted.max_body_mb * 1e6))
    at = ["--host", wanted.host, "--port", str(wanted.port), "--workers", str(wanted.workers)]
    os.execv(
        sys.executable, [sys.executable, "-m", "uvicorn", "attribution_dagster.serving.app:create", "--factory", *at]
    )


def save_onnx(workspace: Workspace, variant: str, file: Path) -> str:
    """Writes the champion's network as an ONNX file; a line that says which it is.

    Raises:
        ConfigurationError: a package that writes ONNX is not installed, or the dataset has no such variant.
    """
    from attribution_dagster.core.models.exporting import export_onnx

    champion = champion_of(workspace, variant)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of packages that it doesn't need
    try:
        with warnings.catch_warnings(record=True):
            export_onnx(load_version(workspace, champion), file)
    except ImportError as error:
        raise ConfigurationError(f'{error}; pip install "attribution-dagster[onnx]"') from error
    return champion.name
