"""What a run would ask of the warehouse, without asking: its statements window by window, and what they would cost in Snowflake."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from attribution_dagster.assets.statements import (
    Statement,
    explained_statements,
    prepared_statements,
    source_statements,
)
from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.snowflake_credits import CREDITS_PER_HOUR, Assumptions, credits

LEFT_OUT = (
    "-- Everything, as if nothing were current. Windows are those of the profile that are over, whether or not the source has events in them.\n"
    "-- Left out: logging in and making tables, keeping the books of slices and publications, loading what Python computes, reading a slice back to\n"
    "-- show it, and the rows of checks that fail. A table is filled under a name of its own before it takes the old one's place."
)


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Statements that come without a training between them."""

    name: str
    statements: Sequence[Statement]


def dry_run(workspace: Workspace, window: str | None, assumed: Assumptions | None) -> Iterator[str]:
    """Lines of SQL with comments; with assumptions, the credits at the end. Nothing is opened.

    Raises:
        ConfigurationError: a warehouse of that size does not exist, or the dataset makes no sessions of events.
        DataError: no window that could be explained is over.
    """
    if not workspace.profile.variants:
        raise ConfigurationError(
            f"dataset {workspace.profile.name} makes no sessions of events: --dry-run tells what is made of them"
        )
    if assumed is not None and assumed.size not in CREDITS_PER_HOUR:
        raise ConfigurationError(f"--warehouse-size {assumed.size}: there are {', '.join(CREDITS_PER_HOUR)}")
    bursts = _bursts(workspace, window)
    yield f"-- dataset {workspace.profile.name} on {workspace.settings.warehouse}\n{LEFT_OUT}"
    for burst in bursts:
        for each in burst.statements:
            fills = f" fills {each.table}" if each.table else " reads"
            yield f"\n-- {burst.name}: {each.asset}{fills} ({each.query.name}.sql)\n{each.text(workspace)};"
    yield f"\n-- {sum(len(each.statements) for each in bursts)} statements"
    if workspace.settings.warehouse == "snowflake" and assumed is not None:
        yield _cost(bursts, assumed)
    elif workspace.settings.warehouse == "snowflake":
        yield "-- No estimate of credits: how many events a window has is not known before the source was profiled; give --events-per-window"


def assumptions(workspace: Workspace, *, size: str, events_per_window: int | None, rows_per_s: int, auto_suspend_s: int) -> Assumptions | None:  # fmt: skip
    """What is assumed; events per window as told, or as the source had when it was profiled. None where neither is known."""
    record = workspace.artifacts.record("source", WHOLE)
    if events_per_window is None and record is not None:
        events_per_window = round(record.report["rows"] / max(1, len(workspace.windows())))
    if events_per_window is None:
        return None
    return Assumptions(
        size=size, events_per_window=events_per_window, rows_per_s=rows_per_s, auto_suspend_s=auto_suspend_s
    )


def _bursts(workspace: Workspace, window: str | None) -> list[Burst]:
    now = datetime.now(UTC).replace(tzinfo=None)
    chosen = [workspace.window(window)] if window is not None else workspace.explainable()
    explained = [each for each in chosen if each.end <= now]
    if not explained:
        raise DataError(
            f"dataset {workspace.profile.name}: no window that could be explained is over; name one with --window, or look at windows.start and "
            "windows.look_back"
        )
    learnt_from = {key for each in explained for key in workspace.look_back(workspace.retrain_key(each.key))}
    prepared = sorted({*learnt_from, *(each.key for each in explained)})
    return [
        Burst(name="source", statements=source_statements()),
        *(Burst(name=f"window {key}", statements=prepared_statements(workspace, workspace.window(key))) for key in prepared),
        *(Burst(name=f"window {each.key}", statements=explained_statements(workspace, each)) for each in explained),
    ]  # fmt: skip


def _cost(bursts: Sequence[Burst], assumed: Assumptions) -> str:
    """The source reads all windows' events; what prepares a window is one burst, and what explains it another, after the training."""
    statements: dict[str, int] = {}
    cost: dict[str, float] = {}
    windows = len({burst.name for burst in bursts[1:]})
    for burst in bursts:
        read = assumed.events_per_window * (windows if burst is bursts[0] else 1)
        costs = credits([len(burst.statements)], replace(assumed, events_per_window=read))
        statements[burst.name] = statements.get(burst.name, 0) + len(burst.statements)
        cost[burst.name] = cost.get(burst.name, 0) + costs
    each = "".join(f"-- {name}: {n} statements, {cost[name]:.3f} credits\n" for name, n in statements.items())
    return (
        f"{each}-- About {sum(cost.values()):.2f} credits in all; not measured, but computed from: {assumed}.\n"
        "-- Cloud services, storage and the transfer of sequences are not in it. The query history, by tag, says what a run did cost."
    )
