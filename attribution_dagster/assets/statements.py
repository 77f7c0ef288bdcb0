"""The statements of a window, in the order of the graph, without running any: what computes in the warehouse, and what is read out of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from attribution_dagster.assets.aggregates import STATISTICS
from attribution_dagster.assets.drift import COMPARED_WINDOWS
from attribution_dagster.assets.source import UNDATED
from attribution_dagster.assets.traits_data import trait_statements
from attribution_dagster.checks.suites import expectations
from attribution_dagster.core.signals import MINIMUM_SUPPORT_USERS, signal_bounds
from attribution_dagster.datasets.coverage import latest_plausible
from attribution_dagster.datasets.parameters import observation_end
from attribution_dagster.datasets.windows import Window
from attribution_dagster.graph import AGGREGATES, PREPARED
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import Query, load_query

_SUPPORT = {"minimum_support": MINIMUM_SUPPORT_USERS}


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a window: the asset that it belongs to, the table that it fills (None: its rows are read), its parameters' values."""

    asset: str
    window_key: str
    query: Query
    table: str | None
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, workspace: Workspace) -> str:
        """The statement in the warehouse's dialect, with the values in it."""
        return workspace.warehouse.written(self.query, self.values, self.table)


def source_statements() -> list[Statement]:
    """What looks at the source as a whole."""
    bound = {"latest_plausible": latest_plausible()}
    tables = {"source_hours": (WHOLE, "source_hours"), "rejected_events": (UNDATED, "rejected_undated")}
    return [
        Statement(asset="source", window_key=key, table=table, values=bound, query=load_query(f"staging/{file}"))
        for table, (key, file) in tables.items()
    ] + [
        Statement(asset="source", window_key=WHOLE, table=None, query=load_query(f"staging/{file}"))
        for file in ("source_coverage", "source_event_types", "source_malformed")
    ]


def prepared_statements(workspace: Workspace, window: Window) -> list[Statement]:
    """From events to the sequences of each variant, and what checks measure of them."""
    # As if the source went on beyond the window's last session; where it ends earlier, that is the value.
    observed = {"observation_end": observation_end(workspace.profile, window, latest_plausible())}
    made = [
        ("events", "stg_events", "staging/stg_events", {}),
        ("events", "rejected_events", "sessions/rejected_events", {}),
        ("events", None, "staging/event_counts", {}),
        ("sessions", "session_events", "sessions/session_events", {}),
        ("sessions", "sessions", "sessions/sessions", observed),
        ("sessions", None, "sessions/session_counts", {}),
        ("session_funnels", "session_funnels", "sessions/session_funnels", {}),
        ("funnel_metrics", "funnel_metrics", "sessions/funnel_metrics", {}),
        ("funnel_metrics", None, "sessions/funnel_report", {}),
        ("session_features", "session_features", "features/session_features", {}),
        ("sampled_users", "sampled_users", "sessions/sampled_users", {}),
        ("risk_set", None, "features/risk_set_candidates", {}),
        ("risk_set", None, "features/sample_counts", {}),
    ]
    built = [_statement(workspace, window, *each) for each in made]
    for variant, spec in workspace.profile.variants.items():
        more = {"funnel_rule": spec.funnel, "cut": "risk_set", "landmark": 0}
        built.append(_statement(workspace, window, f"{variant}/sequence_tensors", None, "features/sequence_events", more))  # fmt: skip
    return [*built, *_checks(workspace, window, prepared=True)]


def explained_statements(workspace: Workspace, window: Window) -> list[Statement]:
    """From attribution to what is published, and what checks measure of it."""
    search = [(None, f"features/leakage_{name}", {}) for name in ("candidates", "counts", "nothing_before")]
    built = [_statement(workspace, window, "suspected_leakage", *each) for each in search]
    built.append(_statement(workspace, window, "funnel_report", None, "sessions/funnel_abandonment", {}))
    for variant in workspace.profile.variants:
        built += _of_variant(workspace, window, variant)
    if {"no_funnel", "with_funnel"} <= set(workspace.profile.variants):
        built.append(_statement(workspace, window, "leakage_comparison", None, "marts/leakage_comparison", _SUPPORT))
    built.append(_statement(workspace, window, "findings", None, "sessions/conversion_base", {}))
    for variant in workspace.profile.claiming:
        built.append(_statement(workspace, window, "findings", None, "marts/event_store_effects", _SUPPORT, variant))
        built.append(_statement(workspace, window, "findings", None, "marts/session_log_odds", {}, variant))
    built += [_statement(workspace, window, *each) for each in trait_statements(workspace, window.key)]
    return [*built, *_checks(workspace, window, prepared=False)]


def _of_variant(workspace: Workspace, window: Window, variant: str) -> Iterable[Statement]:
    before = [each.start for each in workspace.explainable() if each.start <= window.start][-COMPARED_WINDOWS - 1 :]
    made = [
        (STATISTICS, STATISTICS, signal_bounds()),
        *((asset, table, {}) for asset, table in AGGREGATES.items()),
        ("event_count_rates", "event_count_rates", _SUPPORT),
    ]
    for asset, table, more in made:
        yield _statement(workspace, window, f"{variant}/{asset}", f"{table}_{variant}", f"marts/{table}", more, variant)
    drift = {"compared_from": min(before, default=window.start), **_SUPPORT}
    yield _statement(workspace, window, f"{variant}/attribution_drift", None, "marts/attribution_drift", drift, variant)
    seen = {"funnel_rule": workspace.profile.variants[variant].funnel}
    yield _statement(workspace, window, f"{variant}/session_scores", None, "features/scored_events", seen)


def _checks(workspace: Workspace, window: Window, *, prepared: bool) -> Iterable[Statement]:
    for each in expectations(workspace.profile):
        query = each.metric_query
        if query is not None and each.asset != "source" and (each.asset.split("/")[-1] in PREPARED) == prepared:
            values = workspace.bound(query, window.key, **each.parameters)
            name = f"{each.asset}, check {each.name}"
            yield Statement(asset=name, window_key=window.key, query=query, table=None, values=values)


def _statement(
    workspace: Workspace, window: Window, asset: str, table: str | None, file: str, more: Mapping[str, object], variant: str | None = None
) -> Statement:  # fmt: skip
    query = load_query(file, variant)
    values = workspace.bound(query, window.key, **more)
    return Statement(asset=asset, window_key=window.key, query=query, table=table, values=values)
