"""Finding a session: by a part of its id, its outcome, its score, or an event that it holds; a page of the matches at a time."""

from typing import Any

import streamlit as st

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.showing import column_config, download, rows_before, show_pages, table_of
from attribution_dagster.reports.cells import NOTHING
from attribution_dagster.reports.sections.section import Section, count, share, text, time, yes_no
from attribution_dagster.resources.published_window import PAGE_ROWS, PublishedWindow

SESSION = "session"
"""Key of the chosen session's id, in the URL too."""
ANY = "any"
_OUTCOMES = {ANY: (0, 1), "converted": (1, 1), "did not convert": (0, 0)}
FOUND = Section(
    name="sessions",
    title="Sessions",
    query="sessions",
    needs="gradient_attribution_{variant}",
    asset="{variant}/event_attribution",
    reading="Explained sessions, the most likely to convert first.",
    columns={
        "session_id": text("session"),
        "user_id": text("user"),
        "started_at": time("start (UTC)"),
        "label": count("converted"),
        "probability": share("probability"),
        "n_events": count("events"),
        "in_risk_set": yes_no("compared"),
    },
    per_variant=True,
    is_paged=True,
)


def search(window: PublishedWindow, variant: str) -> None:
    """The form and the matches; the row that is chosen becomes the page's session."""
    wanted = _form(window, variant)
    rows = source.rows(window, FOUND, variant, rows=PAGE_ROWS, skip=rows_before(FOUND), **wanted)
    if not rows.num_rows:
        st.info("No session fits.", icon=":material/info:")
        return
    ids = rows["session_id"].to_pylist()
    st.dataframe(
        table_of(rows, FOUND.columns),
        hide_index=True,
        key="table_sessions",
        column_config=column_config(FOUND.columns),
        placeholder=NOTHING,
        selection_mode="single-row",
        on_select=lambda: _choose(ids),
        alt="Sessions that fit the search",
    )
    show_pages(FOUND, rows["total_rows"][0].as_py())
    download(window, FOUND, variant, wanted)


def _form(window: PublishedWindow, variant: str) -> dict[str, Any]:
    """What is searched for, as the query's parameters."""
    types = [name for name in source.fetch(window, "session_event_types", variant)["event_type"].to_pylist() if name]
    part, outcome, score, event = st.columns([2, 1, 2, 2])
    text_ = part.text_input("Id holds", key="text", bind="query-params", max_chars=200, on_change=_first_page)
    chosen = outcome.selectbox("Outcome", list(_OUTCOMES), key="outcome", bind="query-params", on_change=_first_page)
    lowest, highest = score.slider(
        "Probability", 0.0, 1.0, (0.0, 1.0), 0.01, key="score", bind="query-params", on_change=_first_page
    )
    event_type = event.selectbox(
        "Holds the event", [ANY, *types], key="event", bind="query-params", on_change=_first_page
    )
    low, high = _OUTCOMES[chosen]
    return {
        "text": text_ or "",
        "lowest_label": low,
        "highest_label": high,
        "lowest_probability": lowest,
        "highest_probability": highest,
        "event_type": "" if event_type == ANY else event_type,
    }


def _choose(ids: list[str]) -> None:
    chosen = st.session_state["table_sessions"]["selection"]["rows"]
    if chosen:
        st.session_state[SESSION] = ids[chosen[0]]


def _first_page() -> None:
    """Another search starts from its first page."""
    st.session_state.pop(f"page_{FOUND.name}", None)
