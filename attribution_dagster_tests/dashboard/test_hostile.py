"""Names come from outside: on a page they are characters, in a file that a spreadsheet opens they are no formulas."""

import csv
from collections.abc import Callable

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.showing import csv_bytes
from attribution_dagster.reports.exports import read_back
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.published_window import open_window
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.dashboard.conftest import tables
from attribution_dagster_tests.pipeline.small import EXPLAINED
from attribution_dagster_tests.uplift.shop import HOSTILE

Open = Callable[..., AppTest]


def test_a_name_that_wants_to_be_run_is_characters(published_experiment: Workspace, shown: Open) -> None:
    app = shown(published_experiment, "strategy", section="What the treatment does on average")
    assert {row["arm"] for row in tables(app)[0]} == {HOSTILE}
    [figure] = app.get("plotly_chart")
    assert "<script" not in figure.proto.spec and "&lt;script" in figure.proto.spec
    assert not any("<script" in element.value for element in (*app.html, *app.markdown))


@pytest.mark.parametrize("name", ["=1+1", "+1", "@a", "\t=x", '<img src=x onerror="alert(1)">,;"'])
def test_no_cell_of_a_downloaded_file_is_a_formula_and_every_name_can_be_read_back(
    published: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    window = open_window(published, EXPLAINED)
    assert window is not None
    section = PAGES["attribution"].sections[0]
    monkeypatch.setattr(
        source, "rows", lambda *_, **__: pa.table({"event_type": [name], "mean_centred_effect": [-0.5]})
    )
    header, row = csv.reader(csv_bytes(window, section, "no_funnel", {}).decode().splitlines(keepends=True))
    cell = dict(zip(header, row, strict=True))["event_type"]
    assert cell[0] not in "=+-@\t\r" and read_back(cell) == name
