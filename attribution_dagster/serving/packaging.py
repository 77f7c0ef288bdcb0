"""The champion as an MLflow model that takes raw events: its own files, and what the profile says of events and sessions."""

import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

from attribution_dagster.assets.method_comparison import default_method
from attribution_dagster.errors import ConfigurationError, DataError, MissingInputError
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.serving.service import Described

ARTIFACT = "champion"
"""Name of the champion's files in the MLflow model; `mlflow_model.py`, which MLflow copies, says it too."""


def write_champion(
    workspace: Workspace, variant: str, *, reasons: int, max_sessions: int, out: Path | None = None
) -> tuple[Path, RegisteredVersion]:
    """Writes the variant's champion as an MLflow model that takes raw events; where it lies, and which version it is.

    Args:
        out: folder to write, whose content is replaced; one in the home if none is given.

    Raises:
        ConfigurationError: the dataset has no such variant.
        MissingInputError: no model has passed the gate yet.
        DataError: the champion was stored in a format that this version can't read.
    """
    champion = champion_of(workspace, variant)
    with tempfile.TemporaryDirectory() as scratch:
        folder = out or workspace.settings.home / "serving" / champion.model / str(champion.version)
        folder.parent.mkdir(parents=True, exist_ok=True)
        files = workspace.registry.download(champion, Path(scratch))
        require_readable(champion, files)
        described(workspace, variant, champion, reasons=reasons, max_sessions=max_sessions).write(files)
        save(files, folder)
    return folder, champion


def require_readable(champion: RegisteredVersion, files: Path) -> None:
    """Raises DataError if this version can't load the champion's files."""
    from attribution_dagster.core.models.storage import load_model

    try:
        load_model(files)
    except (ValueError, RuntimeError) as error:
        raise DataError(
            f"{champion.name} can't be loaded ({str(error).splitlines()[0]}): train a model, or go back to another with attribution rollback"
        ) from error


def champion_of(workspace: Workspace, variant: str) -> RegisteredVersion:
    """The variant's champion.

    Raises:
        ConfigurationError: the dataset has no such variant.
        MissingInputError: no model has passed the gate yet.
    """
    profile = workspace.profile
    if not profile.variants:
        raise ConfigurationError(f"{profile.name} has no events that a model reads, and so no champion to serve")
    if variant not in profile.variants:
        raise ConfigurationError(f"{variant!r} is no variant of {profile.name}: {', '.join(profile.variants)}")
    champion = workspace.registry.champion(variant)
    if champion is None:
        raise MissingInputError(
            f"{workspace.registry.model(variant)} has no champion yet: attribution run --dataset {profile.name} trains a model and asks "
            f"the gate; attribution models --dataset {profile.name} says what it answered"
        )
    return champion


def described(
    workspace: Workspace, variant: str, champion: RegisteredVersion, *, reasons: int, max_sessions: int
) -> Described:
    """What is kept beside the champion's files."""
    profile = workspace.profile
    rule = profile.variants[variant]
    return Described(
        model=champion.name,
        leaks=rule.leaks,
        conversion=list(profile.roles.conversion),
        funnel=list(profile.roles.funnel),
        funnel_rule=rule.funnel,
        method=default_method(workspace),
        reasons=reasons,
        max_sessions=max_sessions,
        max_events=profile.sessions.bot_max_events,
        inactivity_s=profile.sessions.inactivity_minutes * 60,
        longest_s=profile.sessions.max_hours * 3600,
    )


def save(files: Path, folder: Path) -> None:
    """Writes an MLflow model of the files beside `folder`, then moves it there."""
    import mlflow
    from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

    MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    code = Path(__file__).with_name("mlflow_model.py")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "model"
        requirements = [f"attribution-dagster=={version('attribution-dagster')}"]
        with warnings.catch_warnings(record=True):  # that MLflow does not validate requests: requests.py does
            mlflow.pyfunc.save_model(
                str(made), python_model=str(code), artifacts={ARTIFACT: str(files)}, pip_requirements=requirements
            )
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
