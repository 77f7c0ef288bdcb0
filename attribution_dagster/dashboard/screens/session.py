"""The session debugger: find a session, see its events with what each brought, ask other methods, take events away."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import streamlit as st

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.screens.session_search import SESSION, search
from attribution_dagster.dashboard.showing import download_rows, show_cautions
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.cells import NOTHING
from attribution_dagster.reports.figures.session import duration, gaps_s, timeline
from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.sections import PAGES
from attribution_dagster.resources.explained_session import (
    Rows,
    explained_by,
    probability_without,
    published_folders,
    published_sequence,
)
from attribution_dagster.resources.published_window import PublishedWindow

if TYPE_CHECKING:
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

PUBLISHED, ATTENTION, REMOVED = "published", "attention_mean", "occlusion_dropped"
_SIGNED, _CENTRED = "signed_attribution", "centred_attribution"
_METHOD_HELP = "published: as stored when the window was made. The others are computed now, on the model that the window was published with."
_READINGS = {"against an average event": _CENTRED, "by itself": _SIGNED}


def render(window: PublishedWindow, variant: str | None) -> None:
    """Draw the page."""
    show_cautions(window, variant)
    if variant is None:
        st.info(PAGES["attribution"].instead, icon=":material/info:")
        return
    if f"gradient_attribution_{variant}" not in window.tables:
        st.info(f"Materialise `{window.facts.dataset}/{variant}/event_attribution`.", icon=":material/construction:")
        return
    wanted = st.text_input(
        "Session id", key=SESSION, bind="query-params", placeholder="from the search below, or from a link"
    )
    with st.expander("Find a session", expanded=not wanted, icon=":material/search:"):
        search(window, variant)
    if wanted:
        rows = source.fetch(window, "session_timeline", variant, session_id=wanted).to_pylist()
        if not rows:
            st.text(f"No explained session of this window has the id {one_line(wanted)}.")
            return
        _session(window, variant, wanted, rows)


def _session(window: PublishedWindow, variant: str, session_id: str, rows: Rows) -> None:
    first = rows[0]
    facts = st.columns(5)
    facts[0].metric("Outcome", "converted" if first["label"] == 1 else "did not convert")
    facts[1].metric("Predicted probability", f"{first['probability']:.1%}")
    facts[2].metric("Events the variant sees", f"{first['n_events']:,}")
    facts[3].metric("Duration", duration((rows[-1]["event_at"] - first["event_at"]).total_seconds()))
    facts[4].metric("Start (UTC)", f"{first['event_at']:%Y-%m-%d %H:%M}")
    if first["in_risk_set"] and first["label"] != 1:
        st.caption("Cut to the length of the converted session that it is compared with.")
    model = _asked(window, variant, session_id, len(rows))
    method, reading = _choices(model is not None)
    by_method = {PUBLISHED: rows}
    if model is not None:
        with st.spinner("asking the model"):
            for name in dict.fromkeys([*([] if method == PUBLISHED else [method]), ATTENTION, REMOVED]):
                by_method[name] = explained_by(*model, name, rows)[0]
    column = _READINGS[reading]
    st.plotly_chart(
        timeline(by_method[method], column, _unit(method, reading)),
        theme=None,
        key="figure_timeline",
        alt="Events of the session in order; the table below has the numbers",
    )
    st.caption("What this model does with these events, not what would happen without them.")
    _table(window, session_id, by_method, column)
    if model is not None:
        _what_if(model, rows)


def _asked(
    window: PublishedWindow, variant: str, session_id: str, events: int
) -> "tuple[AttributionModel, SequenceSet] | None":
    """The model and the sequence that the session was published with; None, with the reason shown, where they are gone."""
    try:
        model, sequences = published_folders(window.workspace, variant, window.facts.window_key)
        return _model(model), published_sequence(
            window.workspace, sequences, window.facts.window_key, session_id, events
        )
    except AttributionError as error:
        st.caption(f"Other methods, attention and removals need the model itself: {one_line(str(error))}")
        return None


@st.cache_resource(max_entries=4, show_spinner="loading the model")
def _model(folder: Path) -> "AttributionModel":
    from attribution_dagster.core.models.storage import load_model

    return load_model(folder)


def _choices(has_model: bool) -> tuple[str, str]:
    from attribution_dagster.core.attribution.registry import ATTRIBUTORS

    left, right = st.columns(2)
    with left:
        methods = [PUBLISHED, *(ATTRIBUTORS if has_model else [])]
        method = st.selectbox(
            "Method",
            methods,
            key="method",
            bind="query-params",
            help=_METHOD_HELP,
        )
    with right:
        reading = st.segmented_control(
            "Effect", list(_READINGS), default=next(iter(_READINGS)), required=True, key="reading", bind="query-params"
        )
    return method, reading


def _unit(method: str, reading: str) -> str:
    from attribution_dagster.core.attribution.registry import WITHOUT_UNIT

    if method in WITHOUT_UNIT:
        return f"{method} (no unit)"
    return f"change of the log-odds {reading}, {'as published' if method == PUBLISHED else f'by {method}'} (logits)"


def _table(window: PublishedWindow, session_id: str, by_method: Mapping[str, Rows], column: str) -> None:
    """One row per event: when, after which gap, what, where, its attribution by method, attention, and the logit without it."""
    rows = by_method[PUBLISHED]
    shown: dict[str, Sequence[Any]] = {
        "event_position": [row["event_position"] for row in rows],
        "event_at": [row["event_at"] for row in rows],
        "gap_s": gaps_s([row["event_at"] for row in rows]),
        "event_type": [one_line(row["event_type"]) for row in rows],
        "store_name": [one_line(row["store_name"]) if row["store_name"] else None for row in rows],
        "share": [row["gradient_attribution"] for row in rows],
    }
    for method, found in by_method.items():
        if method == ATTENTION:
            shown["attention"] = [row[_SIGNED] for row in found]
        elif method == REMOVED:
            shown["logit_lost_if_removed"] = [row[_SIGNED] for row in found]
        else:
            shown[f"{method}_logits"] = [row[column] for row in found]
    by_name = {f"{name}_logits": st.column_config.NumberColumn(f"{name}, logits", format="%.3f") for name in by_method}
    table = pa.table(shown)
    st.dataframe(
        table.to_pandas(),
        hide_index=True,
        key="table_timeline",
        placeholder=NOTHING,
        column_config={
            "event_position": "#",
            "event_at": st.column_config.DatetimeColumn("at (UTC)", format="HH:mm:ss"),
            "gap_s": st.column_config.NumberColumn("gap, s", format="%.0f"),
            "event_type": "event",
            "store_name": "store",
            "share": st.column_config.NumberColumn("share", format="percent"),
            "attention": st.column_config.NumberColumn("attention, share of CLS", format="percent"),
            "logit_lost_if_removed": st.column_config.NumberColumn("logits lost if removed", format="%.3f"),
            **by_name,
        },
        alt="Events of the session",
    )
    download_rows(window, "session_events", table, f"gradient_attribution_{st.session_state['variant']}")


def _what_if(model: "tuple[AttributionModel, SequenceSet]", rows: Rows) -> None:
    st.subheader("What if an event had not been?", anchor="what-if")
    labels = {row["event_position"]: f"{row['event_position']}: {one_line(row['event_type'])}" for row in rows}
    removed = st.multiselect(
        "Events to take away", list(labels), format_func=lambda place: labels[place], key="removed"
    )
    before, after = probability_without(*model, removed)
    left, right, _ = st.columns([1, 1, 2])
    left.metric("Probability as it was", f"{before:.1%}")
    right.metric(
        "Without them", f"{after:.1%}", f"{100 * (after - before):+.1f} points" if removed else None, delta_color="off"
    )
    st.caption(
        "The real model on the shorter session: later events move up, gaps and neighbours are recomputed. Not what the customer would have done."
    )
