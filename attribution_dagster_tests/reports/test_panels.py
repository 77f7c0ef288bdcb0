"""The picture: what it says, and that nothing makes it fail or warn."""

import itertools
import struct
import warnings
from dataclasses import replace

import pyarrow as pa
import pytest
from matplotlib.text import Text

from attribution_dagster.reports.caveats import LEAKAGE, SIMULATED
from attribution_dagster.reports.labels import signed
from attribution_dagster.reports.palette import BRAKE, DRIVER, UNCERTAIN
from attribution_dagster.reports.panel_axes import top_rows
from attribution_dagster.reports.panels import draw_panels, panels_png, picture_name, save_panels
from attribution_dagster.reports.style import effect_colour
from attribution_dagster_tests.reports.sample import (
    EFFECTS,
    FUNNEL,
    HOSTILE,
    header_of,
    marts,
    occurrences,
    panel_tables,
)


@pytest.fixture(autouse=True)
def _warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(scope="module")
def fair():
    return marts(occurrences(sessions=300))


@pytest.fixture(scope="module")
def leaky():
    return marts(occurrences(sessions=300, effects=EFFECTS | FUNNEL))


def words(tables, header) -> list[str]:
    return [text.get_text() for text in draw_panels(panel_tables(tables), header).findobj(Text)]


def test_title_names_dataset_window_variant_sessions_conversions_and_auc(fair):
    said = "\n".join(words(fair, header_of(auc=0.684, auc_low=0.661, auc_high=0.707)))
    for part in (
        "Marketplace",
        "2025-02-03",
        "no_funnel",
        "900",
        "120 converted (13.3%)",
        "AUC 0.684 (0.661 to 0.707)",
    ):
        assert part in said
    assert SIMULATED not in said and LEAKAGE not in said


def test_simulated_data_is_said_so(fair):
    assert SIMULATED in words(fair, header_of(simulated=True))


def test_a_variant_that_keeps_the_funnel_has_a_banner_and_marked_rows(leaky):
    figure = draw_panels(panel_tables(leaky), header_of("with_funnel", leaks=True))
    assert any(text.get_text().startswith(LEAKAGE) for text in figure.texts)
    rows = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes[:4]]
    for panel in (0, 1, 3):
        assert [name for name in rows[panel] if "◆" in name] == [f"◆ {name}" for name in reversed(FUNNEL)]
    assert "funnel event" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_every_axis_says_its_unit(fair):
    said = "\n".join(words(fair, header_of()))
    for unit in ("mean centred effect (logits), 95 % interval", "mean relative attribution (1 =", "n = events"):
        assert unit in said
    assert said.count("mean centred effect (logits)") == 3


def test_labels_are_the_numbers_of_the_table(fair):
    said = words(fair, header_of())
    for row in top_rows(fair["event"]):
        assert signed(row["mean_centred_effect"]) in said


def test_names_do_not_overlap_and_stay_inside_the_picture(leaky):
    figure = draw_panels(
        panel_tables(leaky), header_of("with_funnel", leaks=True, simulated=True, dataset_title="W" * 200)
    )
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes[:4]:
        for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            assert all(min(box.x0, box.y0) >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
            assert not any(one.overlaps(other) for one, other in itertools.pairwise(boxes))
    title, badge = figure.texts[1], figure.texts[3]
    assert badge.get_text() == SIMULATED and not title.get_window_extent().overlaps(badge.get_window_extent())
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= width


def hostile_tables():
    names = {name: 0.4 - 0.05 * number for number, name in enumerate(HOSTILE)}
    return marts(occurrences(sessions=250, effects=names), minimum_support=2)


def test_hostile_names_are_drawn_as_characters():
    said = words(hostile_tables(), header_of(dataset_title="$\\alpha$ <b> 🛒 \n shop"))
    assert "<script>alert(1)</script>" in said
    assert any("$\\alpha$ <b> □ shop" in text for text in said)
    assert panels_png(panel_tables(hostile_tables()), header_of(dataset_title="$\\alpha$")).startswith(b"\x89PNG")


def null_table(table: pa.Table) -> pa.Table:
    """The same rows with every float NULL."""
    columns = {
        name: pa.nulls(table.num_rows, column.type) if pa.types.is_floating(column.type) else column
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    return pa.table(columns)


@pytest.mark.parametrize(
    "kind", ["one type", "no support", "all null", "empty", "one user", "converted only", "no effect at all"]
)
def test_degenerate_tables_give_a_picture(kind, fair):
    tables = {
        "one type": lambda: marts(occurrences(sessions=50, effects={"view": 0.2}), 1),
        "no support": lambda: marts(occurrences(sessions=30), 10_000),
        "all null": lambda: {name: null_table(table) for name, table in fair.items()},
        "empty": lambda: {name: table.slice(0, 0) for name, table in fair.items()},
        "one user": lambda: marts(occurrences(sessions=1), 1),
        "converted only": lambda: marts(occurrences(sessions=40).filter(pa.compute.field("label") == 1), 1),
        "no effect at all": lambda: marts(zeros(occurrences(sessions=40)), 1),
    }[kind]()
    assert panels_png(panel_tables(tables), header_of(sessions=0, converted=0)).startswith(b"\x89PNG")


def zeros(attribution: pa.Table) -> pa.Table:
    index = attribution.schema.get_field_index("centred_attribution")
    return attribution.set_column(index, attribution.schema.field(index), pa.array([0.0] * attribution.num_rows))


def test_the_file_is_written_whole_by_its_published_name_and_is_1600_by_1200(tmp_path, fair):
    path = save_panels(tmp_path / "new", panel_tables(fair), header_of())
    assert path.name == picture_name("no_funnel") == "attention_attribution_analysis_no_funnel.png"
    assert picture_name() == "attention_attribution_analysis.png"
    assert struct.unpack(">II", path.read_bytes()[16:24]) == (1600, 1200)
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_the_same_tables_give_the_same_bytes(fair):
    assert panels_png(panel_tables(fair), header_of()) == panels_png(panel_tables(fair), header_of())


@pytest.mark.parametrize(
    ("effect", "signal", "colour"),
    [
        (0.2, "Strong positive signal", DRIVER),
        (0.07, "Moderate positive signal", DRIVER),
        (-0.1, "Negative signal", BRAKE),
        (0.2, "Neutral", UNCERTAIN),
    ],
)
def test_colour_says_the_side_of_zero_unless_the_row_is_neutral(effect, signal, colour):
    assert effect_colour({"mean_centred_effect": effect, "signal_strength": signal}) == colour


def test_where_nobody_may_rank_event_types_stand_by_name(fair):
    names = [row["event_type"] for row in top_rows(fair["event"], 5, is_ranked=False)]
    assert names == sorted(names) != [row["event_type"] for row in top_rows(fair["event"], 5)]
    said = words(fair, header_of(is_ranked=False))
    assert any("NO RANKING" in each for each in said) and any("the first " in each for each in said)
    assert not any("NO RANKING" in each for each in words(fair, header_of()))


def test_the_heatmap_says_that_no_cell_is_tested_and_only_shows_supported_ones(fair):
    said = set(words(fair, header_of()))
    shown = {row["event_type"] for row in top_rows(fair["event"])}
    cells = [r for r in fair["event_position"].to_pylist() if r["has_minimum_support"] and r["event_type"] in shown]
    assert cells and {signed(row["mean_centred_effect"]) for row in cells} <= said
    assert any("of this one model, not tested" in word for word in said)


@pytest.mark.parametrize(("retrained", "models"), [({"positions"}, 1), ({"events", "positions"}, 2), ((), 0)])
def test_an_axis_says_over_which_models_its_intervals_are(fair, retrained, models):
    tables = replace(panel_tables(fair), retrained=frozenset(retrained))
    said = [text.get_text() for text in draw_panels(tables, header_of()).findobj(Text)]
    assert sum("over models trained on other users" in word for word in said) == models
    assert sum("interval for this model" in word.replace("\n", " ") for word in said) == 2 - models


def test_numbers_have_a_sign_and_zero_has_none():
    assert [signed(value) for value in (0.418, -0.418, 0.001, -0.001)] == ["+0.42", "−0.42", "0.00", "0.00"]


def test_more_conversions_than_sessions_are_refused():
    with pytest.raises(ValueError, match="converted=901"):
        header_of(converted=901)
