"""CSV exports: exact round trip, harmless in a spreadsheet, whole or not at all."""

import csv
import datetime
import shutil

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution_dagster.reports.exports import (
    MARK,
    WindowExport,
    export_name,
    read_back,
    replaced_folder,
    warning_of,
    write_csv,
)
from attribution_dagster_tests.reports.sample import HOSTILE

FORMULAS = ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "\n=x", "'=x", "''+x"]


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_hostile_names_come_back_exactly_and_no_cell_begins_like_a_formula(tmp_path):
    names = HOSTILE + FORMULAS + ["'quoted", "'"]
    assert write_csv(tmp_path / "x.csv", pa.table({"event_type": names})) == len(names)
    cells = [row["event_type"] for row in read(tmp_path / "x.csv")]
    assert [read_back(cell) for cell in cells] == names
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


@given(name=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_any_text_survives(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    write_csv(path, pa.table({"a": [name], "b": [1]}))
    (row,) = read(path)
    assert (read_back(row["a"]), row["b"]) == (name, "1")


def test_numbers_are_untouched_and_exact_even_when_negative(tmp_path):
    values = [-0.1, 1e-17, 0.1 + 0.2, None, -5.0]
    write_csv(tmp_path / "x.csv", pa.table({"x": pa.array(values, pa.float64()), "n": [-1, 2, 3, 4, 5]}))
    rows = read(tmp_path / "x.csv")
    assert [float(row["x"]) if row["x"] else None for row in rows] == values
    assert rows[0]["n"] == "-1"


def test_null_and_empty_text_can_be_told_apart(tmp_path):
    write_csv(tmp_path / "x.csv", pa.table({"a": ["", None], "b": [1, 2]}))
    assert (tmp_path / "x.csv").read_text() == 'a,b\n"",1\n,2\n'


def test_the_warning_is_the_last_column_and_the_window_is_left_to_the_folder(tmp_path):
    table = pa.table({"window_start": [datetime.datetime(2025, 1, 6)], "event_type": ["a"], "mean": [0.5]})
    write_csv(tmp_path / "x.csv", table, "DATA LEAKAGE")
    assert read(tmp_path / "x.csv") == [{"event_type": "a", "mean": "0.5", "warning": "DATA LEAKAGE"}]
    assert (tmp_path / "x.csv").read_text().startswith("event_type,mean,warning\n")


def test_where_nobody_may_rank_the_rank_is_empty_and_the_folder_says_so(tmp_path):
    ranked = pa.table({"event_type": ["a", "b"], "driver_rank": pa.array([1, 2], pa.int64())})
    tables = {f"transformer_event_attribution_{variant}": ranked for variant in ("no_funnel", "with_funnel")}
    export = WindowExport(
        title="Shop",
        window_key="2025-02-03",
        tables=tables,
        pictures={},
        leaking=["with_funnel"],
        unranked=["no_funnel"],
    )
    export.write(tmp_path / "out")
    found = {
        name: [row["driver_rank"] for row in read(tmp_path / "out" / f"event_type_attribution_{name}.csv")]
        for name in ("no_funnel", "with_funnel")
    }
    assert found == {"no_funnel": ["", ""], "with_funnel": ["1", "2"]}
    assert "No ranking: driver_rank of no_funnel is empty" in (tmp_path / "out" / "README.txt").read_text()


def test_batches_are_streamed_and_an_empty_table_keeps_its_header(tmp_path):
    table = pa.table({"a": [str(i) for i in range(10)]})
    assert write_csv(tmp_path / "x.csv", table.to_reader(max_chunksize=3)) == 10
    assert [row["a"] for row in read(tmp_path / "x.csv")] == table["a"].to_pylist()
    assert write_csv(tmp_path / "y.csv", table.slice(0, 0)) == 0
    assert (tmp_path / "y.csv").read_text() == "a\n"


def test_dictionary_encoded_texts_are_made_harmless_too(tmp_path):
    write_csv(tmp_path / "x.csv", pa.table({"a": pa.array(["=1", "b", None]).dictionary_encode()}))
    assert (tmp_path / "x.csv").read_text() == 'a\n"\'=1"\n"b"\n\n'


@pytest.mark.parametrize(
    ("table", "file"),
    [
        ("gradient_attribution_no_funnel", "gradient_attribution_no_funnel.csv"),
        ("transformer_event_attribution_no_funnel", "event_type_attribution_no_funnel.csv"),
        ("transformer_position_attribution_with_funnel", "position_attribution_with_funnel.csv"),
        ("transformer_store_attribution_no_funnel", "store_attribution_no_funnel.csv"),
        ("transformer_category_attribution_no_funnel", "category_attribution_no_funnel.csv"),
        ("transformer_event_position_attribution_no_funnel", "event_position_attribution_no_funnel.csv"),
        ("leakage_comparison", "leakage_comparison.csv"),
        ("funnel_metrics", "funnel_metrics.csv"),
    ],
)
def test_files_have_the_published_names(table, file):
    assert export_name(table) == file


@pytest.mark.parametrize(
    ("table", "simulated", "said"),
    [
        ("transformer_event_attribution_no_funnel", False, None),
        ("transformer_event_attribution_with_funnel", False, "DATA LEAKAGE"),
        ("gradient_attribution_with_funnel", True, "DATA LEAKAGE; SIMULATED DATA"),
        ("leakage_comparison", False, "DATA LEAKAGE"),
        ("funnel_metrics", True, "SIMULATED DATA"),
    ],
)
def test_everything_made_from_a_leaking_variant_or_a_simulation_says_so(table, simulated, said):
    assert warning_of(table, leaking=["with_funnel"], simulated=simulated) == said


def test_a_window_is_exported_with_its_pictures_and_a_readme_and_replaces_the_old_folder(tmp_path):
    folder = tmp_path / "shop" / "2025-02-03"
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    (folder / "stale.csv").write_text("old")
    table = pa.table({"event_type": ["=x"], "mean": [0.5]})
    export = WindowExport(
        title="Shop\n",
        window_key="2025-02-03",
        tables={"transformer_event_attribution_with_funnel": table, "funnel_metrics": table.to_reader()},
        pictures={"attention_attribution_analysis_with_funnel.png": b"png"},
        leaking=["with_funnel"],
    )
    names = [path.name for path in export.write(folder)]
    assert names == [
        "README.txt",
        "attention_attribution_analysis_with_funnel.png",
        "event_type_attribution_with_funnel.csv",
        "funnel_metrics.csv",
    ]
    readme = (folder / "README.txt").read_text()
    assert "DATA LEAKAGE" in readme and "with_funnel" in readme and "SIMULATED" not in readme and "not causal" in readme
    assert read(folder / "event_type_attribution_with_funnel.csv")[0]["warning"] == "DATA LEAKAGE"
    assert "warning" not in read(folder / "funnel_metrics.csv")[0]
    assert [child.name for child in folder.parent.iterdir()] == ["2025-02-03"]


def test_a_failed_export_leaves_the_old_folder_as_it_was(tmp_path):
    folder = tmp_path / "window"
    folder.mkdir()
    (folder / MARK).touch()
    (folder / "kept.csv").write_text("old")
    with pytest.raises(RuntimeError), replaced_folder(folder) as fresh:
        (fresh / "half.csv").write_text("new")
        raise RuntimeError
    assert [child.name for child in tmp_path.iterdir()] == ["window"]
    assert (folder / "kept.csv").read_text() == "old"


def test_when_the_new_folder_cannot_take_its_place_the_old_one_comes_back(tmp_path):
    folder = tmp_path / "window"
    folder.mkdir()
    (folder / MARK).touch()
    (folder / "kept.csv").write_text("old")
    with pytest.raises(OSError), replaced_folder(folder) as fresh:
        shutil.rmtree(fresh)
    assert [child.name for child in tmp_path.iterdir()] == ["window"]
    assert (folder / "kept.csv").read_text() == "old"
