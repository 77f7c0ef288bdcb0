"""One section on a page: how to read it, its figure, its table page by page, its CSV file; or what to materialise for it."""

import html
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from attribution_dagster.dashboard import source
from attribution_dagster.reports.cells import NOTHING, written
from attribution_dagster.reports.exports import warning_of, write_csv
from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.sections.section import Column, Section
from attribution_dagster.resources.published_window import PAGE_ROWS, PublishedWindow, filled

CSV_ROWS = 100_000
"""Rows that the CSV file of a paged table holds at most; `attribution export` writes them all."""
TOTAL = "total_rows"
_PLOT = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoom2d", "pan2d", "autoScale2d"]}


def show_section(
    window: PublishedWindow, section: Section, variant: str | None, *, heading: bool = True, **parameters: object
) -> pa.Table | None:
    """Draw the section; its rows as shown, None where there is nothing."""
    if heading:
        st.subheader(section.title, anchor=section.name)
    if window.lacks(section, variant):
        say_what_to_make(window, section, variant)
        return None
    skip = rows_before(section) if section.is_paged else 0
    rows = rows_of(window, section, variant, skip=skip, **parameters)
    st.caption(section.reading)
    if not rows.num_rows:
        st.info("No rows.", icon=":material/info:")
        return None
    listed = rows.to_pylist()
    if section.figure is not None:
        st.plotly_chart(
            section.figure(listed),
            theme=None,
            key=f"figure_{section.name}",
            config=_PLOT,
            alt=f"{section.title}: the table below has its numbers",
        )
    show_table(window, section, variant, rows, parameters)
    return rows


def rows_of(
    window: PublishedWindow, section: Section, variant: str | None, *, skip: int = 0, **parameters: object
) -> pa.Table:
    """The section's rows; of a paged one a page of them, after the `skip` first ones."""
    page = {"rows": PAGE_ROWS, "skip": skip} if section.is_paged else {}
    return source.rows(window, section, variant, **page, **parameters)


def show_table(
    window: PublishedWindow, section: Section, variant: str | None, rows: pa.Table, parameters: Mapping[str, object]
) -> None:
    """The section's columns as a table, the page chooser where there is more, and the CSV file."""
    st.dataframe(
        table_of(rows, section.columns),
        hide_index=True,
        key=f"table_{section.name}",
        column_config=column_config(section.columns),
        placeholder=NOTHING,
        alt=section.title,
    )
    if section.is_paged:
        show_pages(section, rows[TOTAL][0].as_py())
    download(window, section, variant, parameters)


def show_pages(section: Section, total: int) -> None:
    """The chooser of the page, in the URL too."""
    pages = max(1, -(-total // PAGE_ROWS))
    st.caption(f"{total:,} rows, {PAGE_ROWS} a page")
    if pages > 1:
        st.pagination(pages, key=f"page_{section.name}", bind="query-params")


def download(window: PublishedWindow, section: Section, variant: str | None, parameters: Mapping[str, object]) -> None:
    """The button that makes the CSV file when it is pressed: all columns and rows, formulas made harmless."""
    facts = window.facts
    named = [facts.dataset, facts.window_key, section.name, *([variant] if variant and section.per_variant else [])]
    st.download_button(
        f"CSV (first {CSV_ROWS:,})" if section.is_paged else "CSV",
        lambda: csv_bytes(window, section, variant, parameters),
        file_name="_".join(named) + ".csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv_{section.name}",
        on_click="ignore",
        help="All columns. A text that a spreadsheet would take for a formula has an apostrophe in front.",
    )


def download_rows(window: PublishedWindow, name: str, rows: pa.Table, table: str) -> None:
    """The button for rows that are not a section's; `table` is the published one behind them, which decides what they must say."""
    facts = window.facts
    st.download_button(
        "CSV",
        lambda: _written(window, rows, table),
        file_name=f"{facts.dataset}_{facts.window_key}_{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv_{name}",
        on_click="ignore",
    )


def csv_bytes(
    window: PublishedWindow, section: Section, variant: str | None, parameters: Mapping[str, object]
) -> bytes:
    """The content of a section's file."""
    page = {"rows": CSV_ROWS, "skip": 0} if section.is_paged else {}
    rows = source.rows(window, section, variant, **{**parameters, **page})
    kept = rows.drop_columns([TOTAL]) if TOTAL in rows.column_names else rows
    return _written(window, kept, filled(section.needs, variant))


def _written(window: PublishedWindow, rows: pa.Table, table: str) -> bytes:
    said = warning_of(table, leaking=window.facts.leaking, simulated=window.facts.simulated)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        write_csv(path, rows, said)
        return path.read_bytes()


def table_of(rows: pa.Table, columns: Mapping[str, Column]) -> pd.DataFrame:
    """The columns in their order. Names become one line; what else is in them is drawn as text, on a canvas."""
    chosen = {}
    for name, column in columns.items():
        values = rows[name].to_pylist()
        as_text = {"text": one_line, "long_text": one_line, "p_value": lambda value: written(float(value), "p_value")}
        write = as_text.get(column.kind)
        chosen[name] = values if write is None else [None if v is None else write(str(v)) for v in values]
    frame = pd.DataFrame(chosen)
    for name, column in columns.items():
        if column.kind == "count":
            frame[name] = frame[name].astype("float64").round().astype("Int64")
        elif column.kind in ("number", "amount", "share", "usd"):
            frame[name] = frame[name].astype("float64")
    return frame


def column_config(columns: Mapping[str, Column]) -> dict[str, Any]:
    """How Streamlit writes each column."""
    formats = {"count": "localized", "number": "%.3f", "amount": "%.1f", "share": "percent", "usd": "dollar"}
    made: dict[str, Any] = {}
    for name, column in columns.items():
        if column.kind in formats:
            made[name] = st.column_config.NumberColumn(column.heading, format=formats[column.kind])
        elif column.kind == "yes_no":
            made[name] = st.column_config.CheckboxColumn(column.heading)
        elif column.kind == "time":
            made[name] = st.column_config.DatetimeColumn(column.heading, format="YYYY-MM-DD HH:mm")
        elif column.kind == "p_value":
            made[name] = st.column_config.TextColumn(column.heading, alignment="right")
        else:
            made[name] = st.column_config.TextColumn(
                column.heading, width="large" if column.kind == "long_text" else None
            )
    return made


def say_what_to_make(window: PublishedWindow, section: Section, variant: str | None) -> None:
    """What to materialise so that the section has something to show."""
    asset, dataset = filled(section.asset, variant), window.facts.dataset
    st.info(
        f"Not published in this window. Materialise `{dataset}/{asset}` and `{dataset}/published`, or run `attribution run --dataset {dataset}`.",
        icon=":material/construction:",
    )


def show_cautions(window: PublishedWindow, variant: str | None) -> None:
    """What has to be known before a figure is read."""
    for said in window.facts.cautions(variant):
        st.warning(said, icon=":material/warning:")


def show_findings(rows: Sequence[Mapping[str, Any]]) -> None:
    """The findings as cards: the sentence, the raw rates, the experiment."""
    for row in rows:
        effect = row["mean_centred_effect"]
        side = "" if effect is None else "up" if effect > 0 else "down"
        parts = [
            ("", row["sentence"]),
            ("soft", row["raw_rates"]),
            ("soft", row["experiment"]),
            ("soft", row["caveat"]),
        ]
        lines = "".join(f'<p class="{kind}">{html.escape(one_line(text))}</p>' for kind, text in parts if text)
        st.html(f'<div class="finding {side}">{lines}</div>')


def rows_before(section: Section) -> int:
    """Rows before the chosen page; on the first run the chooser, which is below the rows, has not read the URL yet."""
    key = f"page_{section.name}"
    page = str(st.session_state.get(key) or st.query_params.get(key, "1"))
    return PAGE_ROWS * (max(int(page), 1) - 1) if page.isdecimal() else 0
