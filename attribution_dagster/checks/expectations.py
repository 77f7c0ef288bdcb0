"""The expectations, as data: which asset, which measurement, which Great Expectations rule, and whether a failure stops the window.

A measurement is one row: what a query in `sql/checks/` counts, joined by what the asset itself reported when it counted in Python.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query

Row = Mapping[str, Any]
Measure = Callable[[Workspace, str], Row]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One Great Expectations rule on columns of the measured row."""

    kind: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must hold of an asset. `description` is what a person reads beside the verdict."""

    name: str
    asset: str
    description: str
    measure: Measure
    rules: tuple[Rule, ...]
    blocking: bool = True


def equal(left: str, right: str) -> Rule:
    """Two columns hold the same number."""
    return Rule(kind="ExpectColumnPairValuesToBeEqual", arguments={"column_A": left, "column_B": right})


def between(column: str, low: float | None, high: float | None) -> Rule:
    """A column's value lies in a closed interval; an open side is None."""
    return Rule(kind="ExpectColumnValuesToBeBetween", arguments={"column": column, "min_value": low, "max_value": high})


def expectations(variants: tuple[str, ...]) -> list[Expectation]:
    """All expectations of a dataset with these variants."""
    return [
        Expectation(
            name="events_conserved",
            asset="sessions",
            description="Every event of the window is rejected with a reason or lies in exactly one session, here or of an earlier window.",
            measure=_query("events_conserved"),
            rules=(equal("n_events", "n_accounted"), equal("n_in_sessions", "n_expected_in_sessions")),
        ),
        Expectation(
            name="session_ids_unique",
            asset="sessions",
            description="No session id occurs twice.",
            measure=_query("session_ids_unique"),
            rules=(equal("n_sessions", "n_ids"), between("n_missing", 0, 0)),
        ),
        Expectation(
            name="sample_represents_all",
            asset="sampled_users",
            description="The sampled users' conversion rate is within four standard errors of everyone's.",
            measure=_query("sample_represents_all"),
            rules=(between("standard_errors_apart", -4, 4),),
            blocking=False,
        ),
        *(e for variant in variants for e in _variant_expectations(variant)),
    ]


def _variant_expectations(variant: str) -> list[Expectation]:
    tensors, model, attribution = (
        f"{variant}/{name}" for name in ("sequence_tensors", "trained_model", "event_attribution")
    )
    return [
        Expectation(
            name="tensors_equal_sql",
            asset=tensors,
            description=(
                "Sessions, conversions and events counted in Python from the written tensors equal those counted in SQL "
                "from the staged events, exactly."
            ),
            measure=_tensors_against_sql(variant),
            rules=(
                equal("python_sessions", "sql_sessions"),
                equal("python_converted", "sql_converted"),
                equal("python_case_events", "sql_case_events"),
            ),
        ),
        Expectation(
            name="weights_finite",
            asset=model,
            description="All weights of the model are finite numbers, and it was trained for at least one epoch.",
            measure=_reported(model, ("non_finite_weights", "epochs")),
            rules=(between("non_finite_weights", 0, 0), between("epochs", 1, None)),
        ),
        Expectation(
            name="shares_sum_to_one",
            asset=attribution,
            description="The shares of each session's events sum to 1 and none is negative or missing, unless all attributions are 0.",
            measure=_query("shares_sum_to_one", variant),
            rules=(between("n_wrong_sums", 0, 0), between("n_negative", 0, 0), between("n_sessions", 1, None)),
        ),
    ]


def _query(name: str, variant: str | None = None) -> Measure:
    def measure(workspace: Workspace, window_key: str) -> Row:
        rule = {"funnel_rule": workspace.profile.variants[variant].funnel} if variant else {}
        row = workspace.fetch(load_query(f"checks/{name}", variant), window_key, **rule).to_pylist()[0]
        return dict(row)

    return measure


def _reported(asset: str, names: tuple[str, ...]) -> Measure:
    def measure(workspace: Workspace, window_key: str) -> Row:
        record = workspace.artifacts.record(asset, window_key)
        report = record.report if record else {}
        return {name: report.get(name) for name in names}

    return measure


def _tensors_against_sql(variant: str) -> Measure:
    counted = _query("sequence_counts", variant)
    reported = _reported(f"{variant}/sequence_tensors", ("python_sessions", "python_converted", "python_case_events"))

    def measure(workspace: Workspace, window_key: str) -> Row:
        return {**counted(workspace, window_key), **reported(workspace, window_key)}

    return measure
