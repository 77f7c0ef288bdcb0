"""Names that come from outside go through the whole graph and come out harmless: files, tables, pages, the terminal.

What goes through it are the jobs that the schedule and the sensors ask for, one after the other.
"""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from rich.console import Console

from attribution_dagster.build import definitions_of
from attribution_dagster.cli.customers import show_customer
from attribution_dagster.cli.explaining import explain_session
from attribution_dagster.cli.results import query_table, summarise
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.summary import plain_text
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS, WINDOWS, materialise, small_workspace

TYPES = {
    "card_click": '=HYPERLINK("http://x","click")',
    "search": "<script>alert('search')</script>",
    "item_view": "view; DROP TABLE sessions --",
    "store_impression": 'a,b\n"c"\r\nd',
    "review_read": "😀 | `code` $math$ [link](http://x)",
    "help_open": "../../etc/passwd",
}
STORE = 'Bob\'s "Best" <b>Burgers</b>, №1\n+1'
PRODUCT = "=p|1 %7C\u202e<script>\n'; DROP TABLE item_tokens --"
CONVERSION = "order \\ 'placed' % _ {x}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("hostile")
    simulate_marketplace(root / "world", users=150, weeks=3, start=date(2025, 1, 6), seed=3)
    events = pd.concat(pd.read_parquet(path) for path in sorted((root / "world" / "events").glob("*.parquet")))
    events["event_type"] = events["event_type"].replace({**TYPES, "order_placed": CONVERSION})
    events["store_name"] = events["store_name"].where(
        events["store_name"].isna(), STORE + events["store_name"].fillna("")
    )
    events["user_id"] = events["user_id"].replace(events["user_id"].iloc[0], "../user%_'\"\n=1")
    events["product_id"] = events["product_id"].replace(events["product_id"].mode()[0], PRODUCT)
    events.to_csv(root / "events.csv", index=False)
    roles = f"roles: {{conversion: [{CONVERSION!r}], view: [{TYPES['item_view']!r}]}}\n"
    workspace = small_workspace(root, events=str(root / "events.csv"), extra=roles)
    publish_by_jobs(workspace, root / "dagster")
    yield workspace
    workspace.warehouse.close()


def publish_by_jobs(workspace: Workspace, home: Path) -> None:
    """Makes the windows by the jobs of their parts, in turn, and nothing else but the source."""
    materialise(workspace, ["source"], [None])
    explained = [*(f"explain_{variant}" for variant in VARIANTS), "publish"]
    definitions = definitions_of([workspace])
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        for part, window in [*(("prepare", key) for key in WINDOWS), *((part, EXPLAINED) for part in explained)]:
            job = definitions.resolve_job_def(f"{workspace.profile.name}_{part}")
            assert job.execute_in_process(partition_key=window, instance=instance).success, (part, window)


def test_jobs_in_turn_publish_a_window(hostile: Workspace) -> None:
    assert hostile.warehouse.published_windows() == [EXPLAINED]
    record = hostile.artifacts.record("published", EXPLAINED)
    assert record is not None and record.version


def names_in(workspace: Workspace, file: str, column: str) -> set[str]:
    path = workspace.settings.exports / "small" / EXPLAINED / file
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return {row[column] for row in csv.DictReader(lines)}


def test_names_survive_to_the_exports_where_no_cell_is_a_formula(hostile: Workspace) -> None:
    names = names_in(hostile, "event_type_attribution_no_funnel.csv", "event_type")
    assert {name.lstrip("'") for name in names} >= set(TYPES.values())
    stores = names_in(hostile, "store_attribution_no_funnel.csv", "store_name")
    assert any(STORE in store for store in stores)
    for path in (hostile.settings.exports / "small" / EXPLAINED).glob("*.csv"):
        with path.open(newline="", encoding="utf-8-sig") as lines:
            cells = [cell for row in csv.reader(lines) for cell in row]
        assert not [cell for cell in cells if cell[:1] in "=@\t\r" and cell], path.name


def test_pages_of_the_ui_show_names_as_text(hostile: Workspace) -> None:
    for asset in (
        "source",
        "no_funnel/event_type_attribution",
        "no_funnel/store_attribution",
        "sessions",
        "funnel_metrics",
        "no_funnel/event_count_rates",
        "conversion_model",
        "conversion_predictions",
        "findings",
    ):
        record = hostile.artifacts.record(asset, "all" if asset == "source" else EXPLAINED)
        assert record is not None
        for value in record.report.values():
            text = value["markdown"] if isinstance(value, dict) and "markdown" in value else ""
            assert "<script" not in text and "<b>" not in text, asset
            # A line of a table has as many cells as its head: no name breaks out of its cell.
            rows = [line for line in text.splitlines() if line.startswith("|")]
            assert len({row.count("|") for row in rows}) <= 1, asset


def test_exported_pages_show_names_as_text(hostile: Workspace) -> None:
    folder = hostile.settings.exports / "small" / EXPLAINED
    for name in ("findings.html", "findings.md", "model_card_no_funnel.html", "model_card_no_funnel.md"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "<script" not in text and "<b>Burgers" not in text and "](http" not in text, name


def test_terminal_shows_names_on_one_line_each(hostile: Workspace) -> None:
    text = plain_text(summarise(hostile, EXPLAINED, duration_s=None))
    assert "HYPERLINK" in text and "\r" not in text
    buffer = io.StringIO()
    console = Console(file=buffer, width=160)
    query = "SELECT event_type, mean_centred_effect FROM transformer_event_attribution_no_funnel ORDER BY 1"
    console.print(query_table(hostile, query, 50))
    ids = hostile.slice_of("gradient_attribution_no_funnel", EXPLAINED)["session_id"]
    console.print(explain_session(hostile, "no_funnel", ids[0].as_py()))
    assert "<script>" in buffer.getvalue()
    recommended = hostile.slice_of("recommendations", EXPLAINED).to_pylist()
    user = next(row["user_id"] for row in recommended if row["product_id"] == PRODUCT)
    console.print(show_customer(hostile, user))
    assert one_line(PRODUCT)[:12] in buffer.getvalue() and "\u202e" not in buffer.getvalue()


def test_a_session_id_keeps_hostile_users_apart(hostile: Workspace) -> None:
    sessions = hostile.slice_of("sessions", WINDOWS[0]).to_pandas()
    assert sessions["session_id"].is_unique
    odd = sessions[sessions["user_id"].str.startswith("../user")]
    assert len(odd) and odd["session_id"].str.startswith("../user%25%5F").all()
