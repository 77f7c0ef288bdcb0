"""A fault for every expectation: what a broken asset would have written, such that this expectation fails and its neighbours hold."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from attribution_dagster.checks.expectations import Expectation
from attribution_dagster.checks.judging import judge
from attribution_dagster.graph import VIEWS, written_tables
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, copy_in_use, small_workspace
from attribution_dagster_tests.traits.faults import TRAIT_FAULTS, TRAITS_WITHOUT_ROWS

Change = Callable[[pa.Table], pa.Table]
TRAILING = ["2024-12-23", "2024-12-30", "2025-01-06", "2025-01-13"]
"""Windows that the explained one is compared with in a workspace with history."""


def copy_of(published: Workspace, root: Path) -> Workspace:
    """A copy of the published dataset that a test may damage."""
    copy_in_use(published.settings.home, root / "home", "mlflow*", "dagster")
    copy_in_use(published.settings.home.parent / "datasets", root / "datasets")
    return small_workspace(root)


def with_history(workspace: Workspace) -> Workspace:
    """The same with two windows more at the beginning, whose sessions are those of the explained window."""
    windows = workspace.profile.windows.model_copy(update={"start": date.fromisoformat(TRAILING[0])})
    longer = replace(workspace, profile=workspace.profile.model_copy(update={"windows": windows}))
    for key in TRAILING[:2]:
        move = longer.window(EXPLAINED).start - longer.window(key).start
        rewrite(longer, "sessions", lambda sessions, by=move: earlier(sessions, by), window_key=key, of=EXPLAINED)
    return longer


def judged(workspace: Workspace, expectation: Expectation, window_key: str) -> Verdict:
    """What one check says."""
    return judge(workspace, [expectation], window_key)[0]


def earlier(table: pa.Table, by: timedelta) -> pa.Table:
    """The rows with all times moved back."""
    for name in [field.name for field in table.schema if pa.types.is_timestamp(field.type)]:
        table = set_column(table, name, pc.subtract(table[name], pa.scalar(by, pa.duration("us"))))
    return table


def rewrite(
    workspace: Workspace, table: str, change: Change, *, window_key: str = EXPLAINED, of: str | None = None
) -> None:
    """Replaces a table's slice, as a faulty asset would have written it."""
    faulty = change(workspace.slice_of(table, of or window_key))
    workspace.warehouse.load(table, window_key, f"faulty-{uuid.uuid4().hex}", faulty.to_batches())


def remake(workspace: Workspace, asset: str, table: str, change: Change, *, window_key: str = EXPLAINED) -> str:
    """The version in which an asset wrote and recorded its tables again, one of them with a fault."""
    record = workspace.artifacts.record(asset, window_key)
    assert record is not None
    version = f"faulty-{uuid.uuid4().hex}"
    for each in (name for name in written_tables(workspace.profile)[asset] if name not in VIEWS):
        rows = workspace.slice_of(each, window_key)
        written = change(rows) if each == table else rows
        workspace.warehouse.load(each, window_key, version, written.to_batches())
    workspace.artifacts.save_record(asset, window_key, replace(record, version=version))
    return version


def report(workspace: Workspace, asset: str, **changes: object) -> None:
    """Replaces figures in an asset's report."""
    record = workspace.artifacts.record(asset, EXPLAINED)
    assert record is not None
    workspace.artifacts.save_record(asset, EXPLAINED, replace(record, report={**record.report, **changes}))


def set_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with other values in a column."""
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


def set_where(chosen: Callable[[dict[str, Any]], bool], **values: object) -> Change:
    """Sets columns in the rows that are chosen."""

    def change(table: pa.Table) -> pa.Table:
        rows = [{**row, **values} if chosen(row) else row for row in table.to_pylist()]
        return pa.Table.from_pylist(rows, schema=table.schema)

    return change


def first(table: pa.Table, **values: object) -> pa.Table:
    """Sets columns of the first row; a function is given the row."""
    rows = table.to_pylist()
    rows[0] |= {name: value(rows[0]) if callable(value) else value for name, value in values.items()}
    return pa.Table.from_pylist(rows, schema=table.schema)


def double_first(table: pa.Table) -> pa.Table:
    """The first row once more."""
    return pa.concat_tables([table, table.slice(0, 1)])


def same_id(sessions: pa.Table) -> pa.Table:
    """All sessions with the id of the first."""
    return set_column(sessions, "session_id", [sessions["session_id"][0].as_py()] * sessions.num_rows)


def halve_shares(attribution: pa.Table) -> pa.Table:
    """Shares that sum to one half."""
    return set_column(attribution, "gradient_attribution", pc.multiply(attribution["gradient_attribution"], 0.5))


def sample_of_buyers(workspace: Workspace) -> None:
    """Only users who converted are left in the sample."""
    sessions = workspace.slice_of("sessions", EXPLAINED)
    buyers = sessions.filter(sessions["is_converted"])["user_id"].unique()
    rewrite(workspace, "sampled_users", lambda users: users.filter(pc.is_in(users["user_id"], value_set=buyers)))


def thin_history(workspace: Workspace) -> None:
    """A tenth of the sessions in every window before, at the same conversion rate."""
    for key in TRAILING:
        rewrite(
            workspace,
            "sessions",
            lambda sessions: pa.concat_tables(
                part.slice(0, part.num_rows // 10)
                for part in (
                    sessions.filter(sessions["is_converted"]),
                    sessions.filter(pc.invert(sessions["is_converted"])),
                )
            ),
            window_key=key,
        )


def hardly_any_conversion_before(workspace: Workspace) -> None:
    """Hardly a session of the windows before converted."""
    for key in TRAILING:
        rewrite(
            workspace,
            "sessions",
            lambda sessions: set_column(sessions, "is_converted", [i % 100 == 0 for i in range(sessions.num_rows)]),
            window_key=key,
        )


def same_place(attribution: pa.Table) -> pa.Table:
    """The second event of a session stands at the place of its first."""
    at_second = next(row for row in attribution.to_pylist() if row["event_position"] == 1)
    chosen = (at_second["session_id"], 1)
    return set_where(lambda row: (row["session_id"], row["event_position"]) == chosen, event_position=0)(attribution)


def keep_cases(n: int) -> Change:
    """Only n of the converted sessions are left in the risk set."""

    def change(risk_set: pa.Table) -> pa.Table:
        is_case = pc.and_(risk_set["in_risk_set"], pc.equal(risk_set["label"], 1))
        return pa.concat_tables([risk_set.filter(pc.invert(is_case)), risk_set.filter(is_case).slice(0, n)])

    return change


def pair_without_effect(workspace: Workspace, variant: str) -> None:
    """A pair that has occurrences and no effect."""
    start = workspace.window(EXPLAINED).start
    row = dict(window_start=start, first_event_type="a", second_event_type="b", same_store=True)
    pair = {**row, "mean_effect": None, "occurrences": 3, "sessions": 2}
    rewrite(
        workspace,
        f"transformer_pair_attribution_{variant}",
        lambda pairs: pa.Table.from_pylist([pair], schema=pairs.schema),
    )


def transformer(**values: object) -> Change:
    """Sets metrics of the model itself, where they were measured."""
    return set_where(lambda row: row["model"] == "transformer" and row["auc"] is not None, **values)


def one_more(name: str) -> Change:
    """A count that is one too high in the first row."""
    return lambda table: first(table, **{name: lambda row: row[name] + 1})


AFTER = timedelta(days=30)
FAULTS: dict[str, Callable[[Workspace, str], object]] = {
    "event_types_known": lambda w, v: rewrite(
        w, "stg_events", set_where(lambda row: row["event_type"] == "search", event_type="renamed_search")
    ),
    "events_conserved": lambda w, v: rewrite(w, "session_events", double_first),
    "session_ids_unique": lambda w, v: rewrite(w, "sessions", same_id),
    "sessions_not_null": lambda w, v: rewrite(w, "sessions", lambda t: first(t, user_id=None)),
    "sessions_in_window": lambda w, v: rewrite(
        w, "sessions", lambda t: first(t, started_at=lambda row: row["started_at"] - AFTER)
    ),
    "session_volume": lambda w, v: thin_history(w),
    "conversion_rate": lambda w, v: hardly_any_conversion_before(w),
    "session_funnels_complete": lambda w, v: rewrite(w, "session_funnels", lambda t: t.slice(1)),
    "session_funnels_consistent": lambda w, v: rewrite(
        w, "session_funnels", lambda t: first(t, has_view=lambda row: not row["has_view"])
    ),
    "funnel_rates_in_range": lambda w, v: rewrite(w, "funnel_metrics", lambda t: first(t, rate=1.01)),
    "funnel_counts_recounted": lambda w, v: rewrite(w, "funnel_metrics", one_more("sessions")),
    "sample_represents_all": lambda w, v: sample_of_buyers(w),
    "enough_converted": lambda w, v: rewrite(w, "risk_set", keep_cases(29)),
    "tensors_equal_sql": lambda w, v: report(w, f"{v}/sequence_tensors", python_converted=1),
    "weights_finite": lambda w, v: report(w, f"{v}/trained_model", non_finite_weights=3),
    "metrics_in_range": lambda w, v: rewrite(
        w, f"model_metrics_{v}", set_where(lambda row: row["model"] == "length" and row["auc"] is not None, brier=1.2)
    ),
    "metrics_on_risk_set": lambda w, v: report(w, f"{v}/sequence_tensors", in_risk_set=1),
    "auc_plausible": lambda w, v: rewrite(w, f"model_metrics_{v}", transformer(auc=0.901, auc_low=0.85, auc_high=0.95)),
    "auc_above_chance": lambda w, v: rewrite(
        w, f"model_metrics_{v}", transformer(auc=0.4, auc_low=0.3, auc_high=0.499)
    ),
    "calibrated": lambda w, v: rewrite(w, f"model_metrics_{v}", transformer(ece=0.101)),
    "pairs_valid": pair_without_effect,
    "shares_sum_to_one": lambda w, v: rewrite(w, f"gradient_attribution_{v}", halve_shares),
    "attribution_keys_unique": lambda w, v: rewrite(w, f"gradient_attribution_{v}", same_place),
    "probabilities_in_range": lambda w, v: rewrite(
        w, f"gradient_attribution_{v}", lambda t: first(t, probability=float("nan"))
    ),
    "attribution_equals_tensors": lambda w, v: report(w, f"{v}/sequence_tensors", events=1),
    "attribution_before_conversion": lambda w, v: rewrite(
        w, f"gradient_attribution_{v}", lambda t: first(t, event_at=lambda row: row["event_at"] + AFTER)
    ),
    "attribution_of_visible_events": lambda w, v: rewrite(
        w, f"gradient_attribution_{v}", lambda t: first(t, event_type="order_placed")
    ),
    "statistics_add_up": lambda w, v: rewrite(w, f"attribution_statistics_{v}", one_more("occurrences")),
    "event_type_attribution_adds_up": lambda w, v: rewrite(
        w, f"transformer_event_attribution_{v}", one_more("occurrences")
    ),
    "position_attribution_adds_up": lambda w, v: rewrite(
        w, f"transformer_position_attribution_{v}", lambda t: first(t, mean_centred_effect=99.0)
    ),
    "store_attribution_adds_up": lambda w, v: rewrite(w, f"transformer_store_attribution_{v}", double_first),
    "category_attribution_adds_up": lambda w, v: rewrite(
        w, f"transformer_category_attribution_{v}", lambda t: t.slice(1)
    ),
    "event_position_attribution_adds_up": lambda w, v: rewrite(
        w,
        f"transformer_event_position_attribution_{v}",
        set_where(lambda row: row["q_value"] is not None, q_value=None),
    ),
    "methods_compared": lambda w, v: rewrite(w, f"method_comparison_{v}", lambda t: first(t, rank_correlation=1.5)),
    "residuals_within_bound": lambda w, v: rewrite(
        w,
        f"method_comparison_{v}",
        set_where(lambda row: row["method"] == "integrated_gradients", residual_max=0.3, share_over_bound=0.05),
    ),
    "methods_explain_the_same": lambda w, v: rewrite(w, f"method_attribution_{v}", lambda t: t.slice(1)),
    "suspected_leakage_adds_up": lambda w, v: rewrite(w, "suspected_leakage", one_more("sessions")),
    "funnel_list_complete": lambda w, v: rewrite(
        w, "suspected_leakage", set_where(lambda row: row["event_type"] == "search", is_suspected=True)
    ),
    "event_count_rates_add_up": lambda w, v: rewrite(w, f"event_count_rates_{v}", one_more("sessions")),
    "retention_applied": lambda w, v: report(w, "published", retention_failures=1),
    "trust_report_complete": lambda w, v: rewrite(w, f"attribution_trust_{v}", lambda t: first(t, meaning="")),
    "trust_tests_passed": lambda w, v: rewrite(
        w,
        f"attribution_trust_{v}",
        set_where(lambda row: row["test"] == "auc", value=0.5, value_low=0.46, value_high=0.54, passed=False),
    ),
    "trust_without_warnings": lambda w, v: rewrite(
        w, f"attribution_trust_{v}", set_where(lambda row: row["test"] == "completeness", value=0.9, passed=False)
    ),
    "spread_complete": lambda w, v: rewrite(w, f"attribution_spread_{v}", lambda t: first(t, retraining_error=-0.1)),
    "features_equal_sql": lambda w, v: report(w, "session_features", python_early_converted=1),
    "features_possible": lambda w, v: rewrite(w, "session_features", lambda t: first(t, n_events=0.0)),
    "conversion_metrics_in_range": lambda w, v: rewrite(
        w, "conversion_metrics", set_where(lambda row: row["model"] == "length" and row["metric"] == "auc", value=1.1)
    ),
    "conversion_deciles_add_up": lambda w, v: rewrite(w, "conversion_deciles", one_more("n_sessions")),
    "shap_summary_complete": lambda w, v: rewrite(w, "shap_summary", double_first),
    "conversion_above_chance": lambda w, v: rewrite(
        w,
        "conversion_metrics",
        set_where(lambda row: row["metric"] == "auc", value=0.4, value_low=0.3, value_high=0.49),
    ),
    "conversion_calibrated": lambda w, v: rewrite(
        w, "conversion_metrics", set_where(lambda row: row["metric"] == "ece", value=0.3, value_high=0.4)
    ),
    "conversion_predictions_complete": lambda w, v: rewrite(
        w, "conversion_predictions", lambda t: first(t, conversion_probability=float("nan"))
    ),
    "conversion_comparison_in_range": lambda w, v: rewrite(w, "conversion_comparison", double_first),
    "funnel_report_adds_up": lambda w, v: rewrite(w, "funnel_report", lambda t: first(t, lost_revenue_usd=1.0)),
    "leakage_adds_up": lambda w, v: rewrite(w, "leakage_comparison", one_more("with_funnel_lift")),
    "with_funnel_not_below": lambda w, v: rewrite(w, "model_metrics_with_funnel", transformer(auc=0.6)),
    "findings_hold": lambda w, v: rewrite(w, "findings", lambda t: first(t, caveat=None)),
    "effects_steady": lambda w, v: rewrite(
        w,
        f"attribution_drift_{v}",
        lambda t: first(t, effect_before=0.0, effect_change=-0.11, effect_change_error=0.02),
    ),
    "event_mix_steady": lambda w, v: rewrite(
        w, f"attribution_drift_{v}", lambda t: first(t, share_of_events=0.1, share_before=0.4)
    ),
    "auc_steady": lambda w, v: report(w, f"{v}/attribution_drift", auc_change=-0.051),
    "session_scores_complete": lambda w, v: rewrite(
        w, f"session_scores_{v}", lambda t: first(t, probability=float("nan"))
    ),
    **TRAIT_FAULTS,
}
"""Name of the expectation -> what makes it fail, given the workspace and the variant."""
WITHOUT_ROWS = {
    "features_equal_sql",
    "auc_steady",
    "retention_applied",
    "tensors_equal_sql",
    "weights_finite",
    "attribution_equals_tensors",
    *TRAITS_WITHOUT_ROWS,
}
"""Expectations whose fault lies in a figure counted in Python, so that no row of a table is wrong."""
