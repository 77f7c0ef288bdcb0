"""Verdicts: expectations are measured, Great Expectations rules on the figures, offending rows are fetched, and all of it is stored."""

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from attribution_dagster.checks.expectations import Expectation, Row, Rule
from attribution_dagster.errors import AttributionError
from attribution_dagster.graph import stored_tables
from attribution_dagster.resources.artifacts import Verdict
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

ROW_LIMIT = 20
"""Offending rows that are kept and shown; all are counted."""
_MEASUREMENTS = 3

Versions = Mapping[tuple[str, str], str]
"""(Table, window key) -> current version."""


def judge(workspace: Workspace, suite: Sequence[Expectation], window_key: str, *, reuse: bool = False) -> list[Verdict]:
    """What the checks say of the current versions of their assets, in the suite's order, as it is stored.

    Args:
        reuse: a check that passed is not asked again while nothing that it was measured on has changed.

    Raises:
        AttributionError: another run kept writing what the checks read.
    """
    with workspace.locks.judging():
        return _judge(workspace, suite, window_key, reuse=reuse)


def _judge(workspace: Workspace, suite: Sequence[Expectation], window_key: str, *, reuse: bool) -> list[Verdict]:
    bases = _bases(workspace, suite, window_key)
    verdicts = [
        _standing(workspace, expectation, window_key, basis) if reuse else None
        for expectation, basis in zip(suite, bases, strict=True)
    ]
    places = [place for place, verdict in enumerate(verdicts) if verdict is None]
    measured = _measured(workspace, [suite[p] for p in places], window_key, [bases[p] for p in places])
    for place, verdict in zip(places, measured, strict=True):
        workspace.artifacts.save_verdict(suite[place].asset, suite[place].name, window_key, verdict)
        verdicts[place] = verdict
    return [verdict for verdict in verdicts if verdict is not None]


class _Basis(NamedTuple):
    """What a verdict is about and rests on. version: of the asset, empty where none is whole; read: digest of all that is measured."""

    version: str
    read: str


def _bases(workspace: Workspace, suite: Sequence[Expectation], window_key: str) -> list[_Basis]:
    """The basis of each check as it is now; the warehouse is asked once for all of them.

    Measured are the profile, the figures that assets reported, and the tables in its window and in all before: no check looks at
    windows after its own. The version is empty where one of the asset's tables holds another than the asset recorded: its run has not
    recorded it yet, or never will.
    """
    if not suite:
        return []
    keys = [window.key for window in workspace.windows() if window.key <= window_key]
    stored = {each.asset: stored_tables(workspace.profile, each.asset) for each in suite}
    tables = {table for names in (*map(_tables_read, suite), *stored.values()) for table in names}
    current = workspace.warehouse.current_versions(tables, [*keys, window_key])
    return [_basis(workspace, each, window_key, keys, stored[each.asset], current) for each in suite]


def _tables_read(expectation: Expectation) -> list[str]:
    queries = (expectation.metric_query, expectation.rows_query)
    return sorted({table for query in queries if query is not None for table in query.tables})


def _basis(
    workspace: Workspace, expectation: Expectation, window_key: str, keys: Sequence[str], stored: Sequence[str], current: Versions,
) -> _Basis:  # fmt: skip
    versions = {table: [current.get((table, key)) for key in keys] for table in _tables_read(expectation)}
    content = [workspace.profile.model_dump_json(), _reported(workspace, expectation, window_key), keys, versions]
    record = workspace.artifacts.record(expectation.asset, window_key)
    is_whole = record and all(current.get((table, window_key)) == record.version for table in stored)
    return _Basis(
        version=record.version if record and is_whole else "",
        read=hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16],
    )


def _standing(workspace: Workspace, expectation: Expectation, window_key: str, basis: _Basis) -> Verdict | None:
    """The stored verdict, if the check as it is now passed on what there is now."""
    verdict = workspace.artifacts.verdict(expectation.asset, expectation.name, window_key)
    if verdict is None or not verdict.passed or not basis.version:
        return None
    stands = (verdict.version, verdict.check, verdict.read) == (basis.version, expectation.version, basis.read)
    return verdict if stands else None


def _measured(
    workspace: Workspace, suite: Sequence[Expectation], window_key: str, bases: Sequence[_Basis]
) -> list[Verdict]:
    """A new verdict for each check, on what was there before it was measured (`bases`) and still is after it.

    Two runs may work on one window: what was measured while the other one wrote is of neither's version.
    """
    for _ in range(_MEASUREMENTS):
        rows = [measure(workspace, expectation, window_key) for expectation in suite]
        verdicts = [
            _verdict(workspace, expectation, window_key, row, broken, basis)
            for expectation, row, broken, basis in zip(suite, rows, _broken_rules(suite, rows), bases, strict=True)
        ]
        before, bases = bases, _bases(workspace, suite, window_key)
        if bases == before:
            return verdicts
    raise AttributionError(
        f"the checks of {suite[0].asset} in window {window_key} can't be measured: another run keeps writing what they read. Launch "
        "the window again when no other run works on it."
    )


def measure(workspace: Workspace, expectation: Expectation, window_key: str) -> Row:
    """The row an expectation is about: what its query counts, and the figures that assets reported."""
    query = expectation.metric_query
    counted = workspace.fetch(query, window_key, **expectation.parameters).to_pylist()[0] if query is not None else {}
    return {**counted, **_reported(workspace, expectation, window_key)}


def _reported(workspace: Workspace, expectation: Expectation, window_key: str) -> dict[str, Any]:
    """The figures that assets counted themselves; None where an asset has not."""
    reported: dict[str, Any] = {}
    for asset, names in expectation.reported.items():
        record = workspace.artifacts.record(asset, window_key)
        reported |= {name: record.report.get(name) if record else None for name in names}
    return reported


def _verdict(
    workspace: Workspace, expectation: Expectation, window_key: str, row: Row, broken: Sequence[Rule], basis: _Basis
) -> Verdict:
    failures = [_failure(rule, row) for rule in broken]
    failures += [str(row[expectation.advice])] if failures and expectation.advice else []
    unknown = [rule.may_be_unknown for rule in expectation.rules if _may_be_unknown(rule, row)]
    offending, rows = _offending(workspace, expectation, window_key, row) if failures else (0, [])
    return Verdict(
        version=basis.version,
        check=expectation.version,
        read=basis.read,
        passed=not failures,
        blocking=expectation.blocking,
        summary="; ".join(failures) or ": ".join(["passed", *dict.fromkeys(unknown)]),
        observed=_plain(row),
        offending=offending,
        rows=[_plain(each) for each in rows],
    )


def _offending(workspace: Workspace, expectation: Expectation, window_key: str, row: Row) -> tuple[int, list[Row]]:
    """How many rows break the expectation, and the first of them."""
    query = expectation.rows_query
    if query is None:
        return 0, []
    values = {**row, **expectation.bounds, **expectation.parameters}
    first = parse_query(query.name, f"{query.text.rstrip()}\nLIMIT {ROW_LIMIT}")
    rows = workspace.fetch(first, window_key, **values).to_pylist()
    if len(rows) < ROW_LIMIT:
        return len(rows), rows
    every = parse_query(query.name, f"SELECT COUNT(*) AS n FROM (\n{query.text}\n) AS offending")
    return workspace.fetch(every, window_key, **values).to_pylist()[0]["n"], rows


def _broken_rules(suite: Sequence[Expectation], rows: Sequence[Row]) -> list[list[Rule]]:
    """The rules that each expectation's row breaks.

    Great Expectations passes over a missing value, so a figure without one is looked at here: it breaks its rule unless it may be unknown.
    """
    broken: list[list[Rule]] = [[] for _ in suite]
    asked: list[tuple[int, Rule]] = []
    for number, (expectation, row) in enumerate(zip(suite, rows, strict=True)):
        for rule in expectation.rules:
            if all(_is_number(row.get(name)) for name in rule.figures):
                asked.append((number, rule))
            elif not _may_be_unknown(rule, row):
                broken[number].append(rule)
    for (number, rule), success in zip(asked, _validated(suite, rows, asked), strict=True):
        if not success:
            broken[number].append(rule)
    return broken


def _validated(suite: Sequence[Expectation], rows: Sequence[Row], asked: Sequence[tuple[int, Rule]]) -> list[bool]:
    """Great Expectations' answer to each rule, all of them on one row of the figures they are about."""
    if not asked:
        return []
    import great_expectations as gx
    import pandas as pd

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets itself to INFO
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    rules = []
    figures: dict[str, Any] = {}
    for place, (number, rule) in enumerate(asked):
        figures |= {_column(number, name): rows[number][name] for name in rule.figures}
        columns = {key: _column(number, name) for key, name in rule.columns.items()}
        severity = "critical" if suite[number].blocking else "warning"
        kind = getattr(gx.expectations, rule.kind)
        rules.append(kind(**{**rule.arguments, **columns}, severity=severity, meta={"place": place}))
    measured = context.data_sources.pandas_default.read_dataframe(pd.DataFrame([figures]))
    result = measured.validate(gx.ExpectationSuite(name=suite[0].asset, expectations=rules))
    found = json.loads(json.dumps(result.to_json_dict(), default=str))["results"]
    answers = {each["expectation_config"]["meta"]["place"]: bool(each["success"]) for each in found}
    return [answers[place] for place in range(len(asked))]


def _column(number: int, figure: str) -> str:
    """Figures of different expectations may have the same name."""
    return f"{number}.{figure}"


def _may_be_unknown(rule: Rule, row: Row) -> bool:
    values = [row.get(name) for name in rule.figures]
    return bool(rule.may_be_unknown) and None in values and all(v is None or _is_number(v) for v in values)


def _failure(rule: Rule, row: Row) -> str:
    lacking = [name for name in rule.figures if not _is_number(row.get(name))]
    if lacking:
        return f"{', '.join(lacking)} could not be measured"
    return f"expected {rule}, found {', '.join(f'{name} = {_said(row[name])}' for name in rule.figures)}"


def _said(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _is_number(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _plain(row: Row) -> dict[str, Any]:
    """The row as JSON and Dagster can hold it: dates, decimals, Numpy scalars and infinities become text."""
    return {name: _plain_value(value) for name, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)
