"""Names from the outside, as they are shown."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution_dagster.reports.labels import EMPTY_NAME, NO_NAME, one_line, plot_label, shorten
from attribution_dagster.reports.markdown import escape, markdown_table
from attribution_dagster_tests.reports.sample import HOSTILE


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, NO_NAME),
        ("", EMPTY_NAME),
        ("\n\t", EMPTY_NAME),
        ("two\nlines\tand  more", "two lines and more"),
        ("\x1b[31mred", "[31mred"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u200bb", "ab"),
        ("<script>", "<script>"),
    ],
)
def test_a_name_is_shown_on_one_line_without_what_a_terminal_would_obey(name, shown):
    assert one_line(name) == shown


@given(st.text(), st.integers(5, 60))
def test_a_shown_name_is_never_too_long_and_never_holds_a_control_character(name, limit):
    shown = shorten(name, limit)
    assert 0 < len(shown) <= max(limit, len(EMPTY_NAME))
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_shortening_keeps_both_ends_since_names_often_differ_only_at_the_end():
    assert shorten("checkout_page_load_step_two", 16) == "checkout_p…p_two"
    first, second = shorten("x" * 100 + "_one", 20), shorten("x" * 100 + "_two", 20)
    assert first != second and len(first) == 20


def test_a_limit_too_small_for_a_name_is_refused():
    with pytest.raises(ValueError, match="limit=4"):
        shorten("abc", 4)


def test_glyphs_that_no_font_has_become_boxes_and_the_others_stay():
    assert plot_label("🛒 cart ◆ é") == "□ cart ◆ é"


def test_markdown_of_hostile_names_has_no_markup_left():
    for name in HOSTILE:
        shown = escape(name)
        for forbidden in ("<", ">", "|", "`", "\n", "*", "[", "$", "\\"):
            assert forbidden not in shown
    assert escape("checkout_page_load") == "checkout_page_load"
    assert escape("_x_") == "&#95;x&#95;"
    assert "://" not in escape("see https://example.org")


def test_a_markdown_table_keeps_its_columns_whatever_the_names_hold():
    table = pa.table({"event_type": HOSTILE, "effect": [0.12345] * len(HOSTILE), "users": [12345] * len(HOSTILE)})
    lines = markdown_table(table, rows=100).splitlines()
    assert len(lines) == len(HOSTILE) + 2
    assert {line.count("|") for line in lines} == {4}
    assert lines[0] == "| event type | effect | users |" and lines[1] == "| --- | ---: | ---: |"
    assert lines[2].endswith("| 0.123 | 12,345 |")


def test_a_markdown_table_chooses_columns_writes_nulls_and_says_what_it_left_out():
    table = pa.table({"a": ["x", "y", "z"], "b": [None, 1.0, 2.0], "c": [True, False, None]})
    text = markdown_table(table, {"c": "Really?", "b": "B"}, rows=1)
    assert text == "| Really? | B |\n| --- | ---: |\n| yes | – |\n\n*2 more rows*"
