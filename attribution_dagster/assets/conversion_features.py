"""What is known of each session at the moment of its prediction: the features that conversion is predicted from."""

from collections import Counter

import dagster as dg

from attribution_dagster.assets.showing import columns_from, top_rows
from attribution_dagster.assets.source import attach_as_profiled, content_digest
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query, parse_query

TABLE = "session_features"
FEATURE_SETS = ("full", "early")
DESCRIBING = 9
"""Leading columns of the table that say which session a row is about; all others are features."""
_CODE = code_version("assets/conversion_features.py", "sql/features/session_features.sql")
_SHOWN = ("feature_set", "predicted_after_s", "is_converted", "n_events", "n_views", "n_carts", "user_visits_before")


def feature_names() -> list[str]:
    """The features, in the order of the table's columns; `sql/ddl/session_features.sql` is their dictionary."""
    return [column.name for column in table_definition(TABLE).columns[DESCRIBING:]]


def feature_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `session_features`."""
    workspace, profile = assets.workspace, assets.workspace.profile

    @dg.asset(
        **assets.options(TABLE, deps=["source", "sessions"], kinds={"sql"}, group="step2_sessions", code=_CODE),
    )
    def session_features(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """What is known of each session when its conversion is predicted, early on or from all before the conversion, with the user's history before it."""
        return make(
            context,
            workspace,
            TABLE,
            reads=lambda key: [("sessions", key)],
            settings=lambda key: [
                profile.roles.model_dump(),
                profile.time_zone,
                profile.sessions.inactivity_minutes,
                [getattr(profile.conversion, name) for name in ("early_events", "early_minutes", "history_days")],
                content_digest(workspace, key, "history_start", "window_end"),
            ],
            code=_CODE,
            exists=lambda step: step.table(TABLE),
            build=_build,
        )

    return [session_features]


def _counted(step: Step) -> Report:
    """Sessions and conversions of each set, counted from what was written, for the check against SQL."""
    query = parse_query(TABLE, f"SELECT feature_set, is_converted FROM {TABLE} WHERE window_start = :window_start")
    found: Counter[tuple[str, bool]] = Counter()
    with step.workspace.warehouse.stream(query, step.workspace.bound(query, step.window_key)) as batches:
        for batch in batches:
            found.update(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    counts = {}
    for feature_set in FEATURE_SETS:
        counts[f"python_{feature_set}_sessions"] = found[feature_set, True] + found[feature_set, False]
        counts[f"python_{feature_set}_converted"] = found[feature_set, True]
    return counts


def _build(step: Step) -> Report:
    attach_as_profiled(step.workspace)
    query = load_query(f"features/{TABLE}")
    rows = step.build_table(TABLE, query)
    first = top_rows(step, TABLE, _SHOWN, "is_converted DESC, n_events DESC, session_id, feature_set")
    dictionary = {column.name: column.comment for column in table_definition(TABLE).columns[DESCRIBING:]}
    report = {"rows": rows, **_counted(step)}
    return report | {"features": len(dictionary), "dictionary": dictionary} | first | columns_from(step, query)
