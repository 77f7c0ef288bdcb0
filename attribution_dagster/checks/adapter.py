"""The one adapter from an expectation to a Dagster asset check, through Great Expectations; it also stores the verdict and the page.

Dagster's blocking holds within one run only. So the verdict is stored with the version it was given on, and `checks/gate.py` asks for it again.
"""

import json
import logging
import math
import warnings
from typing import Any

import dagster as dg
import pyarrow as pa

from attribution_dagster.checks.expectations import Expectation, Row, Rule
from attribution_dagster.checks.pages import write_asset_page, write_window_page
from attribution_dagster.checks.suites import expectations
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.reports.markdown import markdown_table
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

ROW_LIMIT = 20
"""Offending rows that are kept and shown; all are counted."""


def asset_checks(assets: DatasetAssets) -> list[dg.AssetChecksDefinition]:
    """A Dagster check for each expectation of the dataset."""
    # Partitions of checks are a preview in Dagster 1.13; a test watches that they keep working.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    return [_asset_check(assets, e) for e in expectations(assets.workspace.profile)]


def _asset_check(assets: DatasetAssets, expectation: Expectation) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=assets.key(expectation.asset),
        name=expectation.name,
        description=expectation.description,
        blocking=expectation.blocking,
        partitions_def=assets.partitions,
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        verdict = judge(assets.workspace, expectation, context.partition_key)
        page = write_asset_page(assets.workspace, expectation.asset, context.partition_key)
        if not verdict.passed:
            # What is downstream will not run, so nobody else would write it.
            page = write_window_page(assets.workspace, context.partition_key)
        severity = dg.AssetCheckSeverity.ERROR if expectation.blocking else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=severity,
            description=verdict.summary if verdict.passed else f"{verdict.summary} (see {page})",
            metadata={
                **verdict.observed,
                "expected": "; ".join(map(str, expectation.rules)),
                "offending_rows": verdict.offending,
                "page": dg.MetadataValue.path(page),
                **_shown(verdict),
            },
        )

    return check


def judge(workspace: Workspace, expectation: Expectation, window_key: str) -> Verdict:
    """What the check says of the asset's current version, as it is stored."""
    row = measure(workspace, expectation, window_key)
    failures, unknown = _validate(expectation, row)
    offending, rows = _offending(workspace, expectation, window_key, row) if failures else (0, [])
    record = workspace.artifacts.record(expectation.asset, window_key)
    verdict = Verdict(
        version=record.version if record else "",
        check=expectation.version,
        passed=not failures,
        blocking=expectation.blocking,
        summary="; ".join(failures) or ": ".join(["passed", *dict.fromkeys(unknown)]),
        observed={name: _plain(value) for name, value in row.items()},
        offending=offending,
        rows=[{name: _plain(value) for name, value in each.items()} for each in rows],
    )
    workspace.artifacts.save_verdict(expectation.asset, expectation.name, window_key, verdict)
    return verdict


def measure(workspace: Workspace, expectation: Expectation, window_key: str) -> Row:
    """The row an expectation is about: what its query counts, and the figures that assets reported."""
    reported = {}
    for asset, names in expectation.reported.items():
        record = workspace.artifacts.record(asset, window_key)
        reported |= {name: record.report.get(name) if record else None for name in names}
    query = expectation.metric_query
    counted = workspace.fetch(query, window_key, **expectation.parameters).to_pylist()[0] if query is not None else {}
    return {**counted, **reported}


def _offending(workspace: Workspace, expectation: Expectation, window_key: str, row: Row) -> tuple[int, list[Row]]:
    """How many rows break the expectation, and the first of them."""
    query = expectation.rows_query
    if query is None:
        return 0, []
    known = {**row, **{name: value for rule in expectation.rules for name, value in rule.bounds.items()}}
    values = {**known, **expectation.parameters}
    first = parse_query(query.name, f"{query.text.rstrip()}\nLIMIT {ROW_LIMIT}")
    rows = workspace.fetch(first, window_key, **values).to_pylist()
    if len(rows) < ROW_LIMIT:
        return len(rows), rows
    every = parse_query(query.name, f"SELECT COUNT(*) AS n FROM (\n{query.text}\n) AS offending")
    return workspace.fetch(every, window_key, **values).to_pylist()[0]["n"], rows


def _validate(expectation: Expectation, row: Row) -> tuple[list[str], list[str]]:
    """What is wrong with the measured row, in words; and why figures without a value may be so.

    A figure without a value breaks its rule where nothing says that it may be unknown.
    """
    failures, unknown, rules = [], [], []
    for rule in expectation.rules:
        lacking = [name for name in rule.figures if not _is_number(row.get(name))]
        if not lacking:
            rules.append(rule)
        elif rule.may_be_unknown and all(row.get(name) is None for name in lacking):
            unknown.append(rule.may_be_unknown)
        else:
            failures += [f"{name} could not be measured" for name in lacking]
    return failures + _broken(expectation, rules, row), unknown


def _broken(expectation: Expectation, rules: list[Rule], row: Row) -> list[str]:
    """Great Expectations' findings on the row, in words."""
    if not rules:
        return []
    import great_expectations as gx
    import pandas as pd

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets itself to INFO
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    severity = "critical" if expectation.blocking else "warning"
    suite = gx.ExpectationSuite(
        name=expectation.name,
        expectations=[
            getattr(gx.expectations, rule.kind)(**rule.arguments, severity=severity, meta={"rule": number})
            for number, rule in enumerate(rules)
        ],
    )
    measured = pd.DataFrame([{name: row[name] for rule in rules for name in rule.figures}])
    result = context.data_sources.pandas_default.read_dataframe(measured).validate(suite)
    found = json.loads(json.dumps(result.to_json_dict(), default=str))["results"]
    broken = sorted(each["expectation_config"]["meta"]["rule"] for each in found if not each["success"])
    if len(found) != len(rules):
        raise RuntimeError(f"Great Expectations answered {len(found)} of {len(rules)} rules of {expectation.name}")
    return [
        f"expected {rules[number]}, found {', '.join(f'{name} = {row[name]}' for name in rules[number].figures)}"
        for number in broken
    ]


def _is_number(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Any:
    """A value that JSON and Dagster can hold: dates, decimals, Numpy scalars and infinities become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _shown(verdict: Verdict) -> dict[str, dg.MetadataValue]:
    if not verdict.rows:
        return {}
    return {"rows": dg.MetadataValue.md(markdown_table(pa.Table.from_pylist([dict(row) for row in verdict.rows])))}
