"""A dry run says what a run says to the warehouse, statement by statement, and touches nothing."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlglot

from attribution_dagster.assets.statements import explained_statements, prepared_statements, source_statements
from attribution_dagster.cli.dry_run import assumptions, dry_run
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.snowflake_credits import Assumptions, credits
from attribution_dagster_tests.pipeline.small import EXPLAINED, WINDOWS, materialise, small_workspace
from attribution_dagster_tests.warehouse.stand_in import account

ASSETS = Path(__file__).parents[2] / "attribution_dagster" / "assets"
OF_OTHER_KINDS = (
    "journeys.py",
    "ad_counterfactuals.py",
    "ad_increments.py",
    "experiment.py",
    "units.py",
    "decision.py",
)
"""Assets of datasets without sessions, which have no dry run."""
NOBODY = account("http://127.0.0.1:1", "D")
ASSUMED = Assumptions(size="small", events_per_window=1_000_000, rows_per_s=1_000_000)


def test_it_says_what_a_run_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queries of `sql/` with their tables and values, as the warehouse is given them: the source and a window's preparation."""
    run: list[tuple[str, str | None, dict[str, object]]] = []

    def recording(name: str, table_at: int | None, query_at: int) -> None:
        real = getattr(DuckDBWarehouse, name)

        def said(self: DuckDBWarehouse, *given: Any, **more: Any) -> Any:
            query, values = given[query_at], given[query_at + 1]
            if "/" in query.name:  # what only shows a slice has no file
                run.append((query.name, None if table_at is None else given[table_at], dict(values)))
            return real(self, *given, **more)

        monkeypatch.setattr(DuckDBWarehouse, name, said)

    recording("build", 0, 3)
    recording("fetch", None, 0)
    recording("stream", None, 0)
    workspace = small_workspace(tmp_path, users=120)
    prepared = [
        *("events", "sessions", "session_funnels", "funnel_metrics", "session_features", "sampled_users", "risk_set"),
    ]
    materialise(workspace, ["source"], [None])
    of_source, run[:] = list(run), []
    materialise(
        workspace,
        [*prepared, "no_funnel/sequence_tensors", "with_funnel/sequence_tensors"],
        ["2025-01-06", "2025-01-13"],
    )
    said = [
        (each.query.name, each.table, dict(each.values))
        for key in WINDOWS[:2]
        for each in prepared_statements(workspace, workspace.window(key))
    ]
    ran = [each for each in run if not each[0].startswith(("checks/rows", "staging/source_"))]
    assert _sorted(ran) == _sorted(said) and len(said) > 40
    assert {each[:2] for each in of_source} == {(each.query.name, each.table) for each in source_statements()}
    workspace.warehouse.close()


def _sorted(statements: list[tuple[str, str | None, dict[str, object]]]) -> list[str]:
    return sorted({repr((name, table, sorted(values.items(), key=str))) for name, table, values in statements})


def test_every_query_that_an_asset_loads_is_said(tmp_path: Path) -> None:
    workspace = small_workspace(tmp_path)
    window = workspace.window(EXPLAINED)
    each = [*source_statements(), *prepared_statements(workspace, window), *explained_statements(workspace, window)]
    loaded = {
        name
        for path in ASSETS.glob("*.py")
        if path.name not in ("statements.py", *OF_OTHER_KINDS)
        for name in re.findall(r'load_query\(f?"([^"{]+)"', path.read_text())
    }
    assert loaded - {statement.query.name for statement in each} == set()


@pytest.mark.parametrize("settings", [{}, NOBODY], ids=["duckdb", "snowflake"])
def test_all_of_it_parses_and_nothing_is_opened_or_written(tmp_path: Path, settings: Mapping[str, str]) -> None:
    workspace = small_workspace(tmp_path, settings=settings)
    before = sorted(tmp_path.rglob("*"))
    text = "\n".join(dry_run(workspace, EXPLAINED, ASSUMED))
    assert sorted(tmp_path.rglob("*")) == before
    engine = "snowflake" if settings else "duckdb"
    parsed = sqlglot.parse(text.replace("<new>", "new"), read=engine)
    parsed = [tree for tree in parsed if isinstance(tree, sqlglot.exp.Query | sqlglot.exp.Copy | sqlglot.exp.Insert)]
    assert f"-- {len(parsed)} statements" in text and len(parsed) > 150
    assert not re.search(r"[:$][a-z_]+\b(?!:)|%\(", re.sub(r"'[^']*'|/\*.*?\*/|--[^\n]*|::", "", text, flags=re.S))
    assert ("About" in text) == bool(settings) and ("1,000,000 events a window" in text) == bool(settings)
    for key in WINDOWS:
        assert f"window {key}: events fills stg_events" in text
        assert bool(re.search(rf"^-- window {key}: \d+ statements, \d+\.\d+ credits$", text, re.M)) == bool(settings)


def test_each_window_has_its_estimate_and_the_source_reads_all_windows(tmp_path: Path) -> None:
    """By hand: a small warehouse reads a million events in half a second, and is billed two credits an hour."""
    workspace = small_workspace(tmp_path, settings=NOBODY)
    text = "\n".join(dry_run(workspace, EXPLAINED, ASSUMED))
    said = re.findall(r"^-- (source|window \S+): (\d+) statements, ([\d.]+) credits$", text, re.M)
    assert [name for name, *_ in said] == ["source", *(f"window {key}" for key in WINDOWS)]
    explained = len(explained_statements(workspace, workspace.window(EXPLAINED)))
    prepared = len(prepared_statements(workspace, workspace.window(WINDOWS[0])))
    assert [int(n) for _, n, _ in said] == [len(source_statements()), prepared, prepared, prepared + explained]
    seconds = [int(n) * (0.5 + events / 2) + 60 for (_, n, _), events in zip(said, (3, 1, 1, 1), strict=True)]
    seconds[-1] += 60  # it waits once more after the training
    assert [float(c) for *_, c in said] == pytest.approx([s * 2 / 3600 for s in seconds], abs=5e-4)
    assert f"-- About {sum(seconds) * 2 / 3600:.2f} credits in all" in text


def test_without_a_number_of_events_there_is_no_estimate(tmp_path: Path) -> None:
    workspace = small_workspace(tmp_path, settings=NOBODY)
    known = {"size": "xsmall", "rows_per_s": 1, "auto_suspend_s": 1}
    assert assumptions(workspace, events_per_window=None, **known) is None  # type: ignore[arg-type]
    assert "give --events-per-window" in list(dry_run(workspace, EXPLAINED, None))[-1]
    with pytest.raises(ConfigurationError, match="--warehouse-size tiny: there are xsmall, small"):
        list(dry_run(workspace, EXPLAINED, Assumptions(size="tiny", events_per_window=1, rows_per_s=1)))


@pytest.mark.parametrize(
    ("bursts", "size", "suspend_s", "want"),
    [
        ([1], "xsmall", 0, 60 / 3600),  # 1.5 s are billed as a minute
        ([100], "xsmall", 60, 210 / 3600),  # 100 statements of .5 s and 1 s, and the wait
        ([100], "small", 60, 2 * 160 / 3600),  # twice the size: half the second, not of the half second
        ([100, 0, 1], "xsmall", 60, (210 + 61.5) / 3600),  # nothing to say, nothing billed
    ],
)
def test_credits_by_hand(bursts: list[int], size: str, suspend_s: int, want: float) -> None:
    assumed = Assumptions(
        size=size, events_per_window=1_000_000, rows_per_s=1_000_000, statement_s=0.5, auto_suspend_s=suspend_s
    )
    assert credits(bursts, assumed) == pytest.approx(want)
