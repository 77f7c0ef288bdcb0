"""The command as a person types it: a process of its own, its output and its exit code."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import yaml

from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query
from attribution_dagster_tests.deployment.servers import HANGING_S

COMMAND = [sys.executable, "-m", "attribution_dagster.cli.main"]


def attribution(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ATTRIBUTION_HOME": str(root / "home"),
        "ATTRIBUTION_EXPORTS": str(root / "exports"),
        "ATTRIBUTION_DATASET_FOLDERS": str(root / "datasets"),
        "DAGSTER_HOME": str(root / "dagster"),
        "COLUMNS": "160",
    }
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, timeout=HANGING_S, check=False
    )


def test_simulate_then_check_then_a_second_simulate_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "world"
    made = attribution(tmp_path, "simulate", "--users", "80", "--seed", "1", "--out", str(out))
    assert made.returncode == 0 and "Simulated, not real" in made.stdout and (out / "truth").is_dir()
    looked = attribution(tmp_path, "check", "--events", str(out / "events"))
    assert looked.returncode == 0 and "order_placed" in looked.stdout and "ready" in looked.stdout
    assert "an effect can be told from none" in looked.stdout and "minutes" in looked.stdout


def test_check_says_what_is_missing_and_fails(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("user_id,event_at,event_type\nu,2025-01-07 10:00:00,click\nu,not a time,click\n")
    looked = attribution(tmp_path, "check", "--events", str(tmp_path / "few.csv"))
    assert looked.returncode == 1
    assert "no event is a conversion" in looked.stdout and "left out: 1 rows whose time can't be read" in looked.stdout


def test_a_file_with_its_own_dates_and_names_becomes_a_dataset(tmp_path: Path) -> None:
    """Two rows of 1990 among thousands, other years, another name for the conversion: described, checked, planned."""
    attribution(tmp_path, "simulate", "--users", "150", "--seed", "1", "--weeks", "3", "--out", str(tmp_path / "w"))
    events = pd.concat(pd.read_parquet(path) for path in sorted((tmp_path / "w" / "events").glob("*.parquet")))
    events["event_at"] += pd.Timedelta(days=7 * 52)
    events["event_type"] = events["event_type"].replace("order_placed", "purchase")
    events.iloc[:2, events.columns.get_loc("event_at")] = pd.Timestamp("1990-01-02")
    events.to_csv(tmp_path / "shop.csv", index=False)
    where = ["--events", str(tmp_path / "shop.csv")]
    lacking = attribution(tmp_path, "new", "shop", *where)
    assert lacking.returncode == 1 and "Give --conversion" in lacking.stderr and "purchase" in lacking.stderr
    made = attribution(tmp_path, "new", "shop", *where, "--conversion", "purchase", "--time-zone", "Europe/Berlin")
    written = yaml.safe_load((tmp_path / "datasets" / "shop.yaml").read_text())
    assert made.returncode == 0 and written["roles"]["conversion"] == ["purchase"]
    assert written["windows"] == {
        "length": "week", "start": date(2026, 1, 5), "end": date(2026, 1, 26), "look_back": 2,
    }  # fmt: skip
    assert "traits" not in written
    events.drop(columns="product_id").to_csv(tmp_path / "plain.csv", index=False)
    attribution(tmp_path, "new", "plain", "--events", str(tmp_path / "plain.csv"), "--conversion", "purchase")
    assert yaml.safe_load((tmp_path / "datasets" / "plain.yaml").read_text())["traits"] is None
    looked = attribution(tmp_path, "check", "--dataset", "shop")
    assert looked.returncode == 0 and "ready: attribution run --dataset shop" in looked.stdout
    assert "events lie before windows.start" in looked.stdout
    again = attribution(tmp_path, "new", "shop", *where)
    assert again.returncode == 1 and "there is a dataset shop already" in again.stderr


def test_an_error_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    failed = attribution(tmp_path, "run", "--dataset", "marketplaze")
    assert failed.returncode == 1 and "Did you mean marketplace?" in failed.stderr
    assert "Traceback" not in failed.stderr + failed.stdout


def test_sql_before_anything_is_published_says_what_to_do(tmp_path: Path) -> None:
    failed = attribution(tmp_path, "sql", "SELECT 1 AS one")
    assert failed.returncode == 1 and "attribution run --dataset marketplace" in failed.stderr


def test_explain_sql_and_export_on_a_published_window(published: Workspace, tmp_path: Path) -> None:
    root = published.settings.home.parent
    query = parse_query(
        "longest", "SELECT session_id FROM gradient_attribution_no_funnel ORDER BY n_events DESC, session_id LIMIT 1"
    )
    session_id = published.warehouse.fetch(query, {}, scope="published")["session_id"][0].as_py()
    explained = attribution(root, "explain", session_id, "--dataset", "small")
    assert explained.returncode == 0 and session_id in explained.stdout and "effect, logits" in explained.stdout
    occluded = attribution(root, "explain", session_id, "--dataset", "small", "--method", "occlusion_masked")
    assert occluded.returncode == 0 and "occlusion_masked, logits" in occluded.stdout
    unknown = attribution(root, "explain", "nobody_1", "--dataset", "small")
    assert unknown.returncode == 1 and "no published session" in unknown.stderr
    asked = attribution(
        root, "sql", "SELECT IFF(COUNT(*) > 0, 'some', 'none') AS n FROM sessions", "--dataset", "small"
    )
    assert asked.returncode == 0 and "some" in asked.stdout
    exported = attribution(root, "export", "--dataset", "small", "--out", str(tmp_path / "out"))
    assert exported.returncode == 0 and (tmp_path / "out" / "leakage_comparison.csv").exists()
