"""A table with a row per session: its way in, and as arrays to learn from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.assets.whole_source import attach_as_looked_at, whole_source
from attribution_dagster.datasets.session_table import SessionTableProfile
from attribution_dagster.errors import DataError
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster.warehouse.source import Source, open_source

if TYPE_CHECKING:
    from attribution_dagster.core.conversion.session_table import SessionTable

TABLE = "session_table"
_GROUP = "step1_sessions"
_CODE = code_version("assets/session_table.py", "assets/whole_source.py", "sql/staging", "warehouse")
_NUMBERS = {"true": "1", "false": "0"}


def profile_of(workspace: Workspace) -> SessionTableProfile:
    """The workspace's profile, which is a table of sessions'."""
    assert isinstance(workspace.profile, SessionTableProfile)
    return workspace.profile


def session_table_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `source` (whole) and `session_table` of a dataset of `kind: sessions`."""
    workspace = assets.workspace
    spec = profile_of(workspace).session_table

    source = whole_source(
        assets,
        "Where the table with a row per session lies, and what it holds by now; whoever was forgotten is not read.",
        group=_GROUP,
        code=_CODE,
        find=_open,
        look=_profile_source,
    )

    @dg.asset(**assets.options(TABLE, deps=["source"], kinds={"sql"}, group=_GROUP, code=_CODE))
    def session_table(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Each session of the source with whether it converted, whether it comes later in time, and what is known of it."""
        return make(
            context,
            workspace,
            TABLE,
            reads=lambda _: [("source", WHOLE)],
            settings=lambda _: spec.model_dump(),
            code=_CODE,
            exists=lambda step: step.table("session_outcomes", "session_attributes"),
            build=_stage,
        )

    return [source, session_table]


def open_session_table(workspace: Workspace, key: str) -> "SessionTable":
    """The sessions as `session_table` made them, in order of their ids."""
    import numpy as np

    from attribution_dagster.core.conversion.session_table import SessionTable

    spec = profile_of(workspace).session_table
    outcomes = workspace.slice_of("session_outcomes", key).sort_by("session_id")
    columns = {}
    for names, kind in ((spec.numbers, "number"), (spec.categories, "category")):
        for name in names:
            query = parse_query(name, _ATTRIBUTE.format(kind=kind))
            columns[name] = workspace.fetch(query, key, attribute=name)[kind].combine_chunks()
    session = np.array(outcomes["session_id"].to_pylist(), dtype=object)
    return SessionTable(
        numbers=spec.numbers,
        categories=spec.categories,
        table=pa.table({name: columns[name] for name in (*spec.numbers, *spec.categories)}),
        label=outcomes["is_converted"].to_numpy().astype(np.int64),
        later=outcomes["is_later"].to_numpy().astype(bool),
        session=session,
        user=np.array(pc.coalesce(outcomes["user_id"], outcomes["session_id"]).to_pylist(), dtype=object),
    )


_ATTRIBUTE = "SELECT {kind} FROM session_attributes WHERE window_start = :window_start AND attribute = :attribute ORDER BY session_id"


def write_rows(step: Step, table: str, columns: dict[str, Any]) -> int:
    """Writes columns that lack window_start as the table's slice of this version; the number of rows."""
    n = len(next(iter(columns.values())))
    start = step.workspace.window(step.window_key).start
    whole = pa.table({"window_start": [start] * n, **columns}, schema=table_definition(table).schema)
    return step.workspace.warehouse.load(table, step.window_key, step.version, whole.to_batches())


def _open(workspace: Workspace) -> Source:
    settings, profile = workspace.settings, workspace.profile
    return open_source(
        profile, settings.events.get(profile.name), settings.dataset_folders, workspace.warehouse.describe_table
    )


def _profile_source(step: Step, found: Source) -> Report:
    warehouse = step.workspace.warehouse
    warehouse.attach_source(found)
    rows = warehouse.fetch(parse_query("rows", "SELECT COUNT(*) AS n FROM canonical_events"), {})["n"][0].as_py()
    malformed = warehouse.fetch(load_query("staging/source_malformed"), {}).to_pylist()[0]["n_malformed_lines"]
    if malformed:
        raise DataError(
            f"dataset {step.workspace.profile.name}: {malformed} lines of {found.events.parts[0].path} are no rows. Mend them: a session "
            "that is left out would not be missed."
        )
    return {
        "digest": found.digest,
        "suppressed": warehouse.suppression().digest,
        "first_file": {"path": str(found.events.parts[0].path)},
        "rows": rows,
    }


def _stage(step: Step) -> Report:
    workspace = step.workspace
    name, spec = workspace.profile.name, profile_of(workspace).session_table
    attach_as_looked_at(workspace, _open(workspace))
    columns = ", ".join(("session_id", "user_id", *spec.columns))
    query = parse_query("sessions of the source", f"SELECT {columns} FROM canonical_events ORDER BY session_id")
    sessions = workspace.warehouse.fetch(query, {})
    _refuse_unusable(name, sessions, spec.label)
    outcomes = {
        "session_id": sessions["session_id"],
        "user_id": sessions["user_id"],
        "is_converted": pc.equal(_number(name, sessions, spec.label), 1),
        "is_later": pc.fill_null(pc.is_in(sessions[spec.later.column], pa.array(spec.later.values)), False),
    }
    rows = write_rows(step, "session_outcomes", outcomes)
    write_rows(step, "session_attributes", _attributes(name, sessions, spec.numbers, spec.categories))
    counts = {"converted": pc.sum(outcomes["is_converted"]).as_py(), "later": pc.sum(outcomes["is_later"]).as_py()}
    shown = pa.table({"sessions": [rows], **{kind: [n] for kind, n in counts.items()}})
    return {
        "rows": rows,
        "python_sessions": rows,
        **{f"python_{kind}": n for kind, n in counts.items()},
        "sessions": {"markdown": markdown_table(shown)},
    }


def _refuse_unusable(dataset: str, sessions: pa.Table, label: str) -> None:
    """Raises DataError for sessions without an id or with one that occurs twice, and for a label that is not 0 or 1."""
    ids = sessions["session_id"]
    repeated = len(ids) - pc.count_distinct(ids, mode="only_valid").as_py()
    if repeated:
        raise DataError(
            f"dataset {dataset}: {repeated} sessions have no session_id or one that another has: one row per session is needed"
        )
    values = set(pc.unique(_number(dataset, sessions, label)).to_pylist())
    if not values <= {0.0, 1.0}:
        wrong = sorted(map(str, values - {0.0, 1.0}))[:3]
        raise DataError(
            f"dataset {dataset}: column {label} is the label and holds {', '.join(wrong)}: true and false, or 1 and 0, are expected"
        )


def _attributes(dataset: str, sessions: pa.Table, numbers: Sequence[str], categories: Sequence[str]) -> dict[str, Any]:
    """Columns of `session_attributes`, attribute after attribute."""
    n, names = sessions.num_rows, (*numbers, *categories)
    values = {name: _number(dataset, sessions, name) for name in numbers}
    texts = [sessions[name] if name in categories else pa.nulls(n, pa.string()) for name in names]
    figures = [values[name] if name in values else pa.nulls(n, pa.float64()) for name in names]
    return {
        "session_id": _stacked([sessions["session_id"]] * len(names)),
        "user_id": _stacked([sessions["user_id"]] * len(names)),
        "attribute": _stacked([pa.repeat(pa.scalar(name), n) for name in names]),
        "number": _stacked(figures),
        "category": _stacked(texts),
    }


def _stacked(parts: Sequence[Any]) -> pa.ChunkedArray:
    return pa.chunked_array(
        [c for part in parts for c in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
    )


def _number(dataset: str, sessions: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of texts as doubles; true and false are 1 and 0, an empty cell is missing."""
    text = pc.utf8_lower(pc.utf8_trim_whitespace(sessions[name].cast(pa.string())))
    for word, number in _NUMBERS.items():
        text = pc.if_else(pc.equal(text, word), number, text)
    try:
        return pc.if_else(pc.equal(text, ""), None, text).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise DataError(
            f"dataset {dataset}: column {name} holds what is no number ({error}). Correct the file, or name it among the categories"
        ) from None
