"""After `forget` no byte and no value of the user is left, everybody else's rows are as they were, and no run brings the user back."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attribution_dagster.assets.forgetting import forget_user
from attribution_dagster.checks.pages import write_asset_page, write_window_page
from attribution_dagster.cli.care import show_forgotten
from attribution_dagster.core.simulation.marketplace import simulate_marketplace
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.ddl import Table
from attribution_dagster.warehouse.duckdb import DuckDBWarehouse
from attribution_dagster.warehouse.protocol import Scope
from attribution_dagster.warehouse.queries import Query, load_query, parse_query
from attribution_dagster_tests.pipeline.small import EXPLAINED, WINDOWS, copy_in_use, materialise, small_workspace


@pytest.fixture()
def copy(published: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of the published dataset and its exports."""
    for name in ("home", "datasets", "exports"):
        copy_in_use(published.settings.home.parent / name, tmp_path / name)
    workspace = small_workspace(tmp_path)
    yield workspace
    workspace.warehouse.close()


def texts(path: Path) -> Iterator[str]:
    """Every text in a file of columns, decoded: compressed pages hide what a search of bytes would look for."""
    if path.suffix == ".arrow":
        table = pa.ipc.open_file(path).read_all()
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
    else:
        return
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_string(column.type):
            yield from (value for value in column.unique().to_pylist() if value is not None)


def files_with(user: str, *folders: Path) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert files
    return [p for p in files if user.encode() in p.read_bytes() or any(user in text for text in texts(p))]


def others(folder: Path, user: str) -> dict[Path, list[str]]:
    """The rows of other users in every Parquet file, without the column that may name the user's sessions."""
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        frame = pq.read_table(path).to_pandas().drop(columns="matched_case", errors="ignore")
        if "user_id" in frame:
            frame = frame[frame["user_id"] != user]
        elif "session_id" in frame:
            frame = frame[~frame["session_id"].str.startswith(f"{user}_")]
        if "similar_user_id" in frame:
            frame = frame[frame["similar_user_id"] != user]
        # A slice that is written anew gets another name.
        found[path.relative_to(folder).with_name(path.stem.split(".")[0])] = sorted(
            frame.astype(str).agg("|".join, axis=1)
        )
    return found


def matched_buyer(workspace: Workspace) -> str:
    """A user of several windows with a converted session to which sessions of others are matched."""
    known = set(workspace.slice_of("risk_set", WINDOWS[1])["user_id"].to_pylist())
    rows = workspace.slice_of("risk_set", EXPLAINED).to_pandas()
    owner = rows.set_index("session_id")["user_id"]
    matched = rows[rows["matched_case"].notna() & (rows["matched_case"] != rows["session_id"])]
    cases = matched["matched_case"].map(owner)
    return str(cases[(cases != matched["user_id"]) & cases.isin(known)].iloc[0])


def test_nothing_of_the_user_is_left_and_nobody_else_is_touched(
    published: Workspace, copy: Workspace, tmp_path: Path
) -> None:
    user, home, exports = matched_buyer(copy), copy.settings.home, copy.settings.exports
    elsewhere = [published.settings.home / "mlflow", published.settings.home.parent / "dagster"]  # neither was copied
    for left_by_a_killed_process in ("cache/small/building/1/codes.npy", "warehouse/small/spill/1/block.tmp"):
        (home / left_by_a_killed_process).parent.mkdir(parents=True)
        (home / left_by_a_killed_process).write_text(user)
    assert {p.suffix for p in files_with(user, home, exports)} >= {".parquet", ".arrow", ".csv"}
    rows, before = copy.slice_of("risk_set", EXPLAINED), others(home, user)
    forgotten = forget_user(copy, user)
    assert files_with(user, home, exports, *elsewhere) == []
    assert others(home, user) == before
    kept = rows.to_pandas().query("user_id != @user")
    now = copy.slice_of("risk_set", EXPLAINED).to_pandas()
    unmatched = kept["matched_case"].str.startswith(f"{user}_", na=False)
    assert unmatched.any() and now["matched_case"].isna().sum() == (kept["matched_case"].isna() | unmatched).sum()

    assert (
        forgotten.removed["sessions"]
        and forgotten.removed["sequence tensors, sessions"]
        and EXPLAINED in forgotten.windows
    )
    models = ("no_funnel", "with_funnel", "conversion_full", "conversion_early")
    assert forgotten.models == tuple(f"small-{model} version 1" for model in models)
    assert forgotten.published == (EXPLAINED,)
    manifest = copy.warehouse.manifest(EXPLAINED)
    assert manifest is not None and manifest.tables["sessions"].rows == copy.slice_of("sessions", EXPLAINED).num_rows
    said = "".join(str(part) for part in show_forgotten(forgotten, "small").renderables)
    assert user not in said and "attribution run --dataset small" in said
    assert forget_user(copy, user).removed == {}

    before_run = copy.artifacts.record("events", EXPLAINED)
    materialise(copy, ["source"], [None])
    materialise(copy, ["events", "sessions", "sampled_users", "risk_set"], [EXPLAINED])
    after_run = copy.artifacts.record("events", EXPLAINED)
    assert before_run is not None and after_run is not None and before_run.version != after_run.version
    assert files_with(user, home) == []


def test_failed_checks_and_their_pages_no_longer_quote_the_user(copy: Workspace) -> None:
    """The row of somebody whose id begins alike stays, and so does the number of rows that broke the rule."""
    asset, check, home = "sessions", "session_ids_unique", copy.settings.home
    user = matched_buyer(copy)
    verdict = copy.artifacts.verdict(asset, check, EXPLAINED)
    assert verdict is not None
    rows = [{"session_id": f"{user}_d_2025-01-20_1", "n": 2}, {"session_id": f"{user}9_d_2025-01-20_1", "n": 2}]
    failed = replace(verdict, passed=False, summary="2 ids occur twice", offending=2, rows=rows)
    copy.artifacts.save_verdict(asset, check, EXPLAINED, failed)
    pages = [Path(write_asset_page(copy, asset, EXPLAINED)), Path(write_window_page(copy, EXPLAINED))]
    assert all(user in page.read_text() for page in pages)
    assert forget_user(copy, user).removed["verdicts of checks, quoted rows"] == 1
    now = copy.artifacts.verdict(asset, check, EXPLAINED)
    assert now is not None and now.rows == rows[1:] and now.offending == 2 and not now.passed
    assert all(f"{user}9_" in page.read_text() and f"{user}_" not in page.read_text() for page in pages)
    quoting = [path for path in (home / "artifacts").rglob("*.json") if f"{user}_" in path.read_text()]
    assert quoting == []


def test_a_page_that_is_older_than_its_verdicts_is_written_anew(copy: Workspace) -> None:
    """Quoted only there: the checks have passed since, one of them is no more, and another window's page was not asked for."""
    asset, check = "sessions", "session_ids_unique"
    user, verdict = matched_buyer(copy), copy.artifacts.verdict(asset, check, EXPLAINED)
    assert verdict is not None
    row = {"session_id": f"{user}_d_2025-01-20_1", "n": 2}
    copy.artifacts.save_verdict(asset, check, EXPLAINED, replace(verdict, passed=False, rows=[row]))
    pages = [Path(write_asset_page(copy, asset, EXPLAINED)), Path(write_window_page(copy, EXPLAINED))]
    pages.append(Path(copy.artifacts.save_page(EXPLAINED, "an_asset_of_old", pages[0].read_text())))
    pages.append(Path(copy.artifacts.save_page(WINDOWS[0], "window", pages[0].read_text())))
    assert all(f"{user}_" in page.read_text() for page in pages)
    copy.artifacts.save_verdict(asset, check, EXPLAINED, verdict)
    assert "verdicts of checks, quoted rows" not in forget_user(copy, user).removed
    assert [page.exists() for page in pages] == [True, True, False, True]
    assert not any(f"{user}_" in page.read_text() for page in pages if page.exists())


def test_readers_see_whole_tables_meanwhile(copy: Workspace, tmp_path: Path) -> None:
    table = "gradient_attribution_no_funnel"
    query = parse_query(
        table, f"SELECT COUNT(*) AS n, COUNT(DISTINCT session_id) AS sessions, SUM(logit) AS s FROM {table}"
    )
    seen: set[tuple[object, ...]] = set()
    errors: list[BaseException] = []
    done = threading.Event()
    reader = small_workspace(tmp_path)

    def read() -> None:
        try:
            while not done.is_set():
                seen.update(
                    map(
                        tuple,
                        reader.warehouse.fetch(query, {}, scope="published").to_pandas().round(6).to_numpy().tolist(),
                    )
                )
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    users = copy.slice_of(table, EXPLAINED)["user_id"].unique().to_pylist()[:3]
    expected = set()
    try:
        for user in [None, *users]:
            if user:
                copy.warehouse.forget(user)
            result = copy.warehouse.fetch(query, {}, scope="published").to_pandas().round(6)
            expected |= set(map(tuple, result.to_numpy().tolist()))
    finally:
        done.set()
        thread.join()
        reader.warehouse.close()
    assert not errors and seen <= expected and len(expected) == 4


def test_a_file_deleted_between_its_name_and_its_reading_is_looked_up_anew(
    copy: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "sessions"
    query = parse_query(table, f"SELECT COUNT(*) AS n FROM {table}")
    users = copy.slice_of(table, EXPLAINED)["user_id"].unique().to_pylist()[:2]
    before = copy.warehouse.fetch(query, {}, scope="published")["n"][0].as_py()
    with small_workspace(tmp_path).warehouse as reader:
        assert isinstance(reader, DuckDBWarehouse)
        named = reader._files

        def forgetting_afterwards(asked: Query, scope: Scope) -> dict[str, tuple[Table, Sequence[Path]]]:
            files = named(asked, scope)
            if users:
                copy.warehouse.forget(users.pop())
            return files

        monkeypatch.setattr(reader, "_files", forgetting_afterwards)
        assert 0 < reader.fetch(query, {}, scope="published")["n"][0].as_py() < before
    assert not users


@pytest.fixture()
def csv(tmp_path: Path) -> tuple[Path, str]:
    """A CSV with a user who is there in the second week only: in a row without a time and in a broken line, too."""
    simulate_marketplace(tmp_path / "world", users=40, weeks=3, start=date(2025, 1, 6), seed=1)
    events = pd.concat(pd.read_parquet(p) for p in sorted((tmp_path / "world" / "events").glob("*.parquet")))
    shutil.rmtree(tmp_path / "world")
    middle = events["event_at"].between("2025-01-14", "2025-01-19")
    user = str(events[middle]["user_id"].value_counts().index[0])
    events = events[(events["user_id"] != user) | middle].sort_values("event_at").astype({"event_at": str})
    undated = events[events["user_id"] == user].head(1).assign(event_at="yesterday", event_id="undated")
    path = tmp_path / "events.csv"
    pd.concat([events, undated]).to_csv(path, index=False)
    with path.open("a") as lines:
        lines.write(f"too,few,{user}\nfew,cells,u00099999\n")
    return path, user


def test_a_forgotten_user_does_not_come_back_from_a_csv_and_other_windows_stay_current(
    csv: tuple[Path, str], tmp_path: Path
) -> None:
    path, user = csv
    workspace = small_workspace(tmp_path, events=str(path), extra="quality: {max_rejected_share: 0.5}\n")
    home, assets = workspace.settings.home, ["events", "sessions", "session_funnels"]

    def versions() -> list[str]:
        records = [workspace.artifacts.record("session_funnels", key) for key in WINDOWS]
        return [record.version for record in records if record is not None]

    def run() -> None:
        materialise(workspace, ["source"], [None])
        materialise(workspace, assets, WINDOWS)

    run()
    before, rejected = versions(), workspace.artifacts.record("source", "all")
    assert len(files_with(user, home)) > 5
    forgotten = forget_user(workspace, user)
    assert forgotten.windows == (WINDOWS[1],) and forgotten.removed["rejected_events"] == 2
    assert files_with(user, home) == []
    with pytest.raises(Exception, match="a user has been forgotten since the asset `source` looked"):
        materialise(workspace, ["events"], WINDOWS[:1])
    run()
    after, now = versions(), workspace.artifacts.record("source", "all")
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert files_with(user, home) == [] and list(home.glob("warehouse/small/source/events-*/part-*"))
    assert rejected is not None and now is not None
    assert (rejected.report["malformed_lines"], now.report["malformed_lines"]) == (2, 1)
    for key in WINDOWS:
        counts = workspace.fetch(load_query("checks/events_conserved"), key).to_pylist()[0]
        assert counts["n_events"] == counts["n_accounted"] > 0
    workspace.warehouse.close()


def test_an_empty_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="id is empty"):
        forget_user(small_workspace(tmp_path), " ")
