"""What the commands about models show and do: the registered versions, the way back to an earlier champion, runs left open."""

from rich.console import Group
from rich.text import Text

from attribution_dagster.assets.tracking import dagster_run_is_over
from attribution_dagster.cli.launch import dagster_home, dagster_instance
from attribution_dagster.cli.tables import Rows
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.reports.labels import one_line
from attribution_dagster.resources.model_registry import RegisteredVersion
from attribution_dagster.resources.workspace import Workspace

HEADINGS = ("version", "alias", "trained for", "log-loss", "calibration error", "gate", "objections, history")


def list_models(workspace: Workspace) -> Group:
    """Every registered version of the dataset's models: its aliases, the window it was trained for, what the gate said."""
    parts: list[Rows | Text] = []
    for variant in workspace.profile.variants:
        versions = workspace.registry.versions(variant)
        name = workspace.registry.model(variant)
        if not versions:
            parts.append(Text(f"{name}: no version yet; attribution run --dataset {workspace.profile.name} trains one"))
            continue
        parts.append(Rows(title=name, headings=HEADINGS, rows=[_row(version) for version in reversed(versions)]))
    parts.append(
        Text("Log-loss and calibration error are those of the window on which the gate was asked.", style="dim")
    )
    return Group(*parts)


def _row(version: RegisteredVersion) -> list[str]:
    tags = version.tags
    history = [tags["gate.objections"]] if tags.get("gate.objections", "none") != "none" else []
    if "rollback.from" in tags:
        history.append(
            f"rolled back to from {tags['rollback.from']} at {tags['rollback.at']}: {tags['rollback.reason']}"
        )
    decision = f"{version.decision} on {version.decided_on}" if version.decision else "not asked yet"
    return [
        str(version.version),
        ", ".join(version.aliases),
        version.trained_for,
        *(f"{float(tags[name]):.4f}" if name in tags else "" for name in ("gate.log_loss", "gate.calibration_error")),
        decision,
        one_line("; ".join(history)) if history else "",
    ]


def roll_back(workspace: Workspace, variant: str, to: int | None, reason: str) -> str:
    """Moves the alias `champion`, and says from where to where.

    Raises:
        AttributionError: unknown variant, or there is nothing to go back to.
    """
    if variant not in workspace.profile.variants:
        raise ConfigurationError(
            f"{variant!r} is no variant of {workspace.profile.name}: {', '.join(workspace.profile.variants)}"
        )
    old, new = workspace.registry.roll_back(variant, to, reason)
    return (
        f"{new.name} is champion in place of version {old.version}, until a newer training passes the gate against it"
    )


def close_abandoned(workspace: Workspace) -> list[str]:
    """Ids of the runs that a killed process had left RUNNING, and that are closed now."""
    dagster_home(workspace.settings)
    with dagster_instance() as instance:
        return workspace.tracker.close_abandoned(
            workspace.profile.name, lambda run_id: dagster_run_is_over(instance, run_id)
        )
