"""The one adapter from an expectation to a Dagster asset check, through Great Expectations; it also stores the verdict.

Dagster's blocking holds within one run only. So the verdict is stored with the version it was given on, and `published` asks for it again.
"""

import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from attribution_dagster.checks.expectations import Expectation, Row, expectations
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace


def asset_checks(assets: DatasetAssets) -> list[dg.AssetChecksDefinition]:
    """A Dagster check for each expectation of the dataset."""
    # Partitions of checks are a preview in Dagster 1.13; a test watches that they keep working.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    return [_asset_check(assets, e) for e in expectations(tuple(assets.workspace.profile.variants))]


def _asset_check(assets: DatasetAssets, expectation: Expectation) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=assets.key(expectation.asset),
        name=expectation.name,
        description=expectation.description,
        blocking=expectation.blocking,
        partitions_def=assets.partitions(expectation.asset),
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        judged = {key: judge(assets.workspace, expectation, key) for key in context.partition_keys}
        return _result(expectation, judged)

    return check


def _result(expectation: Expectation, judged: Mapping[str, tuple[Row, list[str]]]) -> dg.AssetCheckResult:
    """What Dagster keeps: of a run over a range it is one result for all windows, so each names its window."""
    is_range = len(judged) > 1
    failed = [f"window {key}: {said}" if is_range else said for key, (_, words) in judged.items() for said in words]
    measured = {f"{key} {k}" if is_range else k: _plain(v) for key, (row, _) in judged.items() for k, v in row.items()}
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if expectation.blocking else dg.AssetCheckSeverity.WARN,
        description="; ".join(failed) or None,
        metadata={**measured, "expected": "; ".join(map(_said, expectation.rules))},
    )


def judge(workspace: Workspace, expectation: Expectation, window_key: str) -> tuple[Row, list[str]]:
    """The measured row and what failed of it, in words; the verdict is stored with the version it is about."""
    row = expectation.measure(workspace, window_key)
    failures = _validate(expectation, row)
    record = workspace.artifacts.record(expectation.asset, window_key)
    workspace.artifacts.save_verdict(
        expectation.asset,
        expectation.name,
        window_key,
        Verdict(
            version=record.version if record else "",
            passed=not failures,
            blocking=expectation.blocking,
            summary="; ".join(failures) or "passed",
        ),
    )
    return row, failures


def _validate(expectation: Expectation, row: Row) -> list[str]:
    """Great Expectations' findings on the one measured row; a missing value is a failure of its own."""
    import great_expectations as gx
    import pandas as pd

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets itself to INFO
    missing = [f"{name} could not be measured" for name, value in row.items() if value is None]
    if missing:
        return missing
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    severity = "critical" if expectation.blocking else "warning"
    suite = gx.ExpectationSuite(
        name=expectation.name,
        expectations=[getattr(gx.expectations, r.kind)(**r.arguments, severity=severity) for r in expectation.rules],
    )
    result = context.data_sources.pandas_default.read_dataframe(pd.DataFrame([dict(row)])).validate(suite)
    found = json.loads(json.dumps(result.to_json_dict(), default=str))["results"]
    return [
        f"expected {_said(rule)}, found {_found(rule, row)}"
        for rule, outcome in zip(expectation.rules, found, strict=True)
        if not outcome["success"]
    ]


def _said(rule: Any) -> str:
    a = rule.arguments
    if "column_A" in a:
        return f"{a['column_A']} = {a['column_B']}"
    low, high = a["min_value"], a["max_value"]
    if low == high:
        return f"{a['column']} = {low}"
    return " and ".join(
        [f"{a['column']} >= {low}"] * (low is not None) + [f"{a['column']} <= {high}"] * (high is not None)
    )


def _found(rule: Any, row: Row) -> str:
    names = [rule.arguments[k] for k in ("column_A", "column_B", "column") if k in rule.arguments]
    return ", ".join(f"{name} = {row[name]}" for name in names)


def _plain(value: Any) -> Any:
    """A value Dagster can store: Numpy scalars and dates are not."""
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
