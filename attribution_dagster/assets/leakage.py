"""The search for leakage: event types that announce the conversion, found without being told the funnel."""

import base64
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from attribution_dagster.assets.showing import top_rows
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.sequences.risk_set import draw_risk_set
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.attribution.leakage import TypeEvidence

_CODE = code_version(
    "assets/leakage.py",
    "core/attribution/leakage.py",
    "core/attribution/leakage_figures.py",
    "core/attribution/leakage_model.py",
    "core/sequences/risk_set.py",
    "reports/leakage.py",
    "sql/features/leakage_candidates.sql",
    "sql/features/leakage_counts.sql",
)
NOTHING_TO_ADD = "nothing to add"


def suspicion_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `suspected_leakage`."""
    workspace, profile = assets.workspace, assets.workspace.profile
    reads = ["sessions", "sampled_users"]

    @dg.asset(
        **assets.options(
            "suspected_leakage", deps=reads, kinds={"python", "scikitlearn"}, group="step4_results", code=_CODE
        )
    )
    def suspected_leakage(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Which event types give the conversion away, whatever the funnel list says: conversion with and without each, and how close it stands to it."""
        return make(
            context,
            workspace,
            "suspected_leakage",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: [profile.title, profile.roles.funnel, profile.risk_set.controls_per_case],
            code=_CODE,
            exists=lambda step: step.table("suspected_leakage", "leakage_moments"),
            build=_search,
        )

    return [suspected_leakage]


def what_to_add(rows: "Sequence[TypeEvidence]", funnel: Sequence[str]) -> str:
    """The line of the dataset's YAML with the suspected types in its funnel list; that there are none, where so.

    Whatever the names hold, it is one line of printable ASCII.
    """
    unlisted = sorted(row.event_type for row in rows if row.is_suspected and row.event_type not in funnel)
    if not unlisted:
        return NOTHING_TO_ADD
    named, listed = (", ".join(map(_in_yaml, names)) for names in (unlisted, [*funnel, *unlisted]))
    return f"what announces the conversion: {named}; in the dataset's YAML write roles: {{funnel: [{listed}]}}"


def _in_yaml(name: str) -> str:
    """The name as YAML reads it back, quoted and escaped unless it is a plain word."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) and yaml.safe_load(name) == name:
        return name
    return yaml.safe_dump(name, default_style='"', width=float("inf")).strip()


def _search(step: Step) -> Report:
    from attribution_dagster.core.attribution.leakage import find_leakage
    from attribution_dagster.reports.leakage import suspicion_png

    workspace, profile, key = step.workspace, step.workspace.profile, step.window_key
    candidates = workspace.fetch(load_query("features/leakage_candidates"), key)
    write_moments(step, candidates)
    counts = workspace.fetch(load_query("features/leakage_counts"), key)
    rate = pc.mean(candidates["label"]).as_py() or 0.0
    found = find_leakage(counts, rate)
    rows = [
        {
            "window_start": workspace.window(key).start,
            "is_funnel": row.event_type in profile.roles.funnel,
            **asdict(row),
        }
        for row in found
    ]
    batches = pa.Table.from_pylist(rows).to_batches() if rows else []
    written = workspace.warehouse.load("suspected_leakage", key, step.version, batches)
    columns = ("event_type", "is_suspected", "is_funnel", "conversion_rate_present", "auc_alone", "odds_low")
    top = top_rows(step, "suspected_leakage", columns, "is_suspected DESC, odds_low DESC NULLS LAST, event_type")
    picture = base64.b64encode(suspicion_png(profile.title, key, rows)).decode()
    return {
        "rows": written,
        "suspected": ", ".join(row.event_type for row in found if row.is_suspected) or "none",
        "to_add": what_to_add(found, profile.roles.funnel),
        "converted_with_nothing_before": _emptied(step),
        "picture": {"markdown": f"![What each event type says alone](data:image/png;base64,{picture})"},
        **top,
    }


def write_moments(step: Step, candidates: pa.Table) -> None:
    """Converted sessions at their conversion, and others cut at as many events: the same draw as that of the risk set, on all events."""
    workspace, profile = step.workspace, step.workspace.profile
    start = workspace.window(step.window_key).start
    drawn = draw_risk_set(
        candidates.rename_columns(["session_id", "user_id", "label", "n_no_funnel"]),
        window_start=start,
        controls_per_case=profile.risk_set.controls_per_case,
    ).table
    moments = drawn.filter(drawn["in_risk_set"]).select(["window_start", "session_id", "user_id", "label", "cut_at"])
    workspace.warehouse.load("leakage_moments", step.window_key, step.version, moments.to_batches())


def _emptied(step: Step) -> int:
    """Sampled converted sessions that begin with the conversion: nothing can announce it, and nothing is said of them."""
    counts = step.workspace.fetch(load_query("features/leakage_nothing_before"), step.window_key)
    return int(counts["n_converted"][0].as_py())
