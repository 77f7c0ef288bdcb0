"""From claims to action: significant effects as sentences, each with what stands behind it and the experiment that would test it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.assets.model_card import standing_of, write_pages
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.core.claims.baseline_effects import baseline_effects
from attribution_dagster.core.claims.experiment import Ground, plan
from attribution_dagster.core.claims.holding import Place, Stability, holding
from attribution_dagster.core.claims.raw_rates import CountRate, trend
from attribution_dagster.core.signals import (
    BRAKE,
    DRIVER,
    MINIMUM_SUPPORT_USERS,
    direction,
    is_significant,
    q_values,
    retrained,
)
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE
from attribution_dagster.reports.findings import FindingsPage, VariantFindings
from attribution_dagster.reports.findings_table import table_rows
from attribution_dagster.reports.sentences import Finding
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import load_query

_READ = (
    "event_type_attribution",
    "event_position_attribution",
    "event_count_rates",
    "event_attribution",
    "trained_model",
    "attribution_trust",
    "model_card",
)
_CODE = code_version(
    "assets/findings.py",
    "core/signals.py",
    "core/claims/baseline_effects.py",
    "core/claims/experiment.py",
    "core/claims/holding.py",
    "core/claims/raw_rates.py",
    "reports/findings.py",
    "reports/findings_table.py",
    "reports/pages.py",
    "reports/sentences.py",
    "reports/templates/findings.html",
    "reports/templates/findings.md",
    "reports/templates/page.css",
    "sql/marts/event_store_effects.sql",
    "sql/marts/session_log_odds.sql",
    "sql/sessions/conversion_base.sql",
)


def findings_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The asset `findings`, where a variant does not see the funnel."""
    workspace, profile = assets.workspace, assets.workspace.profile
    if not profile.claiming:
        return []
    reads = ["sessions", *(f"{variant}/{name}" for variant in profile.claiming for name in _READ)]

    @dg.asset(
        **assets.options("findings", deps=reads, kinds={"table"}, group="step4_results", code=_CODE),
    )
    def findings(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Each significant effect in words, the raw rates behind it, where and how long it has held, and the experiment that would test it."""
        return make(
            context,
            workspace,
            "findings",
            reads=lambda key: [(name, key) for name in reads],
            settings=lambda _: [profile.title, profile.simulated],
            code=_CODE,
            exists=lambda step: step.table("findings") and step.artifact(),
            build=_build,
        )

    return [findings]


def _build(step: Step) -> Report:
    workspace, profile, key = step.workspace, step.workspace.profile, step.window_key
    ground = _ground(step)
    found = [_of_variant(step, variant, ground) for variant in profile.claiming]
    page = FindingsPage(title=profile.title, window_key=key, simulated=profile.simulated, variants=found)
    rows = [row for each in found for row in table_rows(each)]
    start = workspace.window(key).start
    names = [column.name for column in table_definition("findings").columns]
    table = pa.Table.from_pylist([{name: row.get(name) for name in names} | {"window_start": start} for row in rows])
    written = workspace.warehouse.load("findings", key, step.version, table.to_batches())
    pages = {"findings.md": page.markdown().encode(), "findings.html": page.html().encode()}
    workspace.artifacts.create(step.asset, key, step.version, lambda folder: write_pages(folder, pages))
    folder = workspace.artifacts.folder(step.asset, key, step.version)
    assert folder is not None
    return {
        "rows": written,
        "findings": {"markdown": page.markdown()},
        "page": {"path": str(folder / "findings.html")},
        "caution": MODEL_NOT_CAUSE,
    }


def _ground(step: Step) -> Ground:
    row = step.workspace.fetch(load_query("sessions/conversion_base"), step.window_key).to_pylist()[0]
    return Ground(
        sessions=row["n_sessions"],
        converted=row["n_converted"],
        users=row["n_users"],
        standard_error=row["standard_error"],
    )


def _log_odds(step: Step, variant: str) -> Mapping[float, int]:
    rows = step.workspace.fetch(load_query("marts/session_log_odds", variant), step.window_key).to_pylist()
    return {row["log_odds"]: row["n_sessions"] for row in rows}


@dataclass(frozen=True, kw_only=True)
class _Behind:
    """What stands behind the effects of a variant, by event type."""

    rates: Mapping[str, Sequence[CountRate]]
    positions: Mapping[str, Sequence[Place]]
    stores: Mapping[str, Sequence[Place]]
    baseline: Mapping[str, float]


def _of_variant(step: Step, variant: str, ground: Ground) -> VariantFindings:
    workspace, key = step.workspace, step.window_key
    table = workspace.slice_of(f"transformer_event_attribution_{variant}", key).to_pylist()
    supported = [row for row in table if row["has_minimum_support"]]
    # Not the chance of which users the model explains, nor of which it learnt from.
    clear = {row["event_type"] for row in supported if is_significant(row["q_value"])}
    known = _retrained(step, variant, supported)
    significant = [row for row in known if row["event_type"] in clear and is_significant(row["q_value"])]
    verdict = standing_of(workspace, variant, key)
    if not verdict.claims:
        return VariantFindings(variant=variant, standing=verdict, tested=len(supported), known=len(known), findings=[])
    ground = replace(ground, log_odds=_log_odds(step, variant))
    behind = _Behind(
        rates=_rates(step, variant),
        positions=_positions(step, variant),
        stores=_stores(step, variant),
        baseline=_baseline(step, variant, table),
    )
    by_size = sorted(significant, key=lambda row: (-abs(row["mean_centred_effect"]), row["event_type"]))
    ordered = by_size if verdict.ranks else sorted(significant, key=lambda row: row["event_type"])
    found = [
        _finding(variant, row, number if verdict.ranks else None, ground, behind)
        for number, row in enumerate(ordered, start=1)
    ]
    return VariantFindings(variant=variant, standing=verdict, tested=len(supported), known=len(known), findings=found)


def _retrained(step: Step, variant: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of which it is known what other users to learn from would do to them, with those figures."""
    spread = step.workspace.slice_of(f"attribution_spread_{variant}", step.window_key).to_pylist()
    again = retrained(rows, {row["name"]: row for row in spread if row["granularity"] == "event_type"})
    return [row for row in again if row["is_retrained"]]


def _finding(variant: str, row: Mapping[str, Any], rank: int | None, ground: Ground, behind: _Behind) -> Finding:
    name, effect = row["event_type"], row["mean_centred_effect"]
    rates = behind.rates.get(name, ())
    return Finding(
        variant=variant,
        event_type=name,
        rank=rank,
        effect=effect,
        low=row["effect_low"],
        high=row["effect_high"],
        q_value=row["q_value"],
        own_effect=row["mean_signed_effect"],
        direction=direction(row),
        signal_strength=row["signal_strength"],
        occurrences=row["occurrences"],
        users=row["users"],
        ground=ground,
        rates=rates,
        trend=trend(rates),
        positions=holding(effect, behind.positions.get(name, ())),
        stores=holding(effect, behind.stores.get(name, ())),
        stability=Stability(same=row["windows_same_sign"], windows=row["windows_compared"]),
        baseline_effect=behind.baseline.get(name),
        experiment=plan(ground, effect) if direction(row) in (DRIVER, BRAKE) else None,
    )


def _baseline(step: Step, variant: str, table: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
    trained = step.workspace.artifacts.record(f"{variant}/trained_model", step.window_key)
    assert trained is not None  # its version is an input
    return baseline_effects({row["event_type"]: row["occurrences"] for row in table}, trained.report["counts_weights"])


def _rates(step: Step, variant: str) -> Mapping[str, Sequence[CountRate]]:
    found: dict[str, list[CountRate]] = defaultdict(list)
    rows = step.workspace.slice_of(f"event_count_rates_{variant}", step.window_key).to_pylist()
    for row in sorted(rows, key=lambda row: row["decile"]):
        found[row["event_type"]].append(
            CountRate(
                count_low=row["count_low"],
                count_high=row["count_high"],
                mean_count=row["mean_count"],
                sessions=row["sessions"],
                rate=row["conversion_rate"],
                low=row["rate_low"],
                high=row["rate_high"],
                expected=row["expected_rate"],
            )
        )
    return found


def _positions(step: Step, variant: str) -> Mapping[str, Sequence[Place]]:
    found: dict[str, list[Place]] = defaultdict(list)
    rows = step.workspace.slice_of(f"transformer_event_position_attribution_{variant}", step.window_key).to_pylist()
    for row in sorted(rows, key=lambda row: row["bin_order"]):
        if row["has_minimum_support"]:
            found[row["event_type"]].append(
                Place(name=row["position_bin"], effect=row["mean_centred_effect"], q_value=row["q_value"])
            )
    return found


def _stores(step: Step, variant: str) -> Mapping[str, Sequence[Place]]:
    query = load_query("marts/event_store_effects", variant)
    rows = step.workspace.fetch(query, step.window_key, minimum_support=MINIMUM_SUPPORT_USERS).to_pylist()
    judged = q_values([row["mean_centred_effect"] for row in rows], [row["standard_error"] for row in rows])
    found: dict[str, list[Place]] = defaultdict(list)
    for row, q_value in zip(rows, judged, strict=True):
        name = row["store_name"] or row["store_id"]
        found[row["event_type"]].append(Place(name=name, effect=row["mean_centred_effect"], q_value=q_value))
    return found
