"""What is around every page: the choice of dataset, window and variant, and the header that says what is shown."""

import html
from collections.abc import Sequence

import streamlit as st

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.page import DashboardPage
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.labels import shorten
from attribution_dagster.resources.published_window import PublishedWindow

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 2.2rem; max-width: 84rem; }
h1 { font-size: 1.9rem !important; padding-bottom: 0 !important; }
h3 { font-size: 1.2rem !important; }
[data-testid="stMetricValue"] { font-size: 1.35rem; }
.strip { display: flex; flex-wrap: wrap; gap: .35rem .5rem; margin: -.4rem 0 .2rem; }
.strip span { font-size: .82rem; font-weight: 600; color: #3d444d; background: #eef1f4; border-radius: 99px; padding: .1rem .8rem; }
.strip .simulated { background: #ffe9d6; color: #8a3a00; }
.strip .real { background: #dcecf7; color: #00507d; }
.strip .warns { background: #fff3c4; color: #6b4b00; }
.finding { border: 1px solid #d8dee4; border-left: 5px solid #767676; border-radius: 8px; padding: .7rem 1rem; margin-bottom: .6rem; }
.finding.up { border-left-color: #0072B2; }
.finding.down { border-left-color: #D55E00; }
.finding p { margin: .15rem 0; }
.finding .soft { color: #57606a; font-size: .88rem; }
/* The table's own tools export cells as they are, formulas too: the button below each table does not. */
[data-testid="stElementToolbar"] { display: none; }
</style>"""

_WHICH_EVENTS = (
    "Which events the model may see. One that sees the funnel shows what the funnel gives away, not what drives."
)
_EVERY_VARIANT = "This page is the same for each; the choice stays for the pages that are not."


def style() -> None:
    """The looks of what Streamlit has no element for."""
    st.html(STYLE)


def draw(page: DashboardPage, window: PublishedWindow, variant: str | None) -> None:
    """The page in its frame, for what is chosen."""
    header(page, window)
    page.render(window, variant)


def choose(page: DashboardPage) -> tuple[PublishedWindow, str | None] | None:
    """The window and the variant chosen at the side, from the URL at first; None, with the reason shown, where there is no window.

    The variant is None for a page or a dataset without variants.
    """
    with st.sidebar:
        try:
            dataset = st.selectbox("Dataset", source.datasets(), key="dataset", bind="query-params")
            windows = source.windows(dataset)
        except AttributionError as error:
            st.text(str(error))
            return None
        if not windows:
            st.info(
                f"Nothing of {dataset} is published yet: `attribution run --dataset {dataset}`", icon=":material/info:"
            )
            return None
        key = st.selectbox(
            "Window", windows, key="window", bind="query-params", help="Start of the window, local date."
        )
        window = source.window(dataset, key)
        if window is None:
            st.info(f"Window {key} is published no longer. Reload the page.", icon=":material/info:")
            return None
        variants = list(window.workspace.profile.variants)
        chosen = _variant(variants, disabled=not page.per_variant) if variants else None
        return window, chosen if page.per_variant else None


def _variant(variants: Sequence[str], *, disabled: bool) -> str:
    # On pages that have nothing of it, too: a chooser that went away would take what it has written in the address with it,
    # and Streamlit, which does so when the page is through, then forgets what was chosen on the page meanwhile.
    return st.selectbox(
        "Variant",
        variants,
        key="variant",
        bind="query-params",
        disabled=disabled,
        help=f"{_EVERY_VARIANT} {_WHICH_EVENTS}" if disabled else _WHICH_EVENTS,
    )


def header(page: DashboardPage, window: PublishedWindow) -> None:
    """Title, question, and one line: dataset, window, models, checks, simulated or real."""
    facts = window.facts
    st.title(page.title, anchor=False)
    st.caption(page.question)
    marks = [
        (facts.title, "", "dataset"),
        (f"window {facts.window_key}", "", f"published {facts.published_at:%Y-%m-%d %H:%M} UTC"),
        *((_model(purpose, model), "", "model") for purpose, model in facts.models.items()),
        (facts.check_status, "warns" if facts.warnings else "", "what its checks said when it was published"),
        (facts.origin, "simulated" if facts.simulated else "real", facts.origin_means),
    ]
    strip = "".join(
        f'<span class="{kind}" title="{html.escape(meaning)}">{html.escape(shorten(text, 70))}</span>'
        for text, kind, meaning in marks
    )
    st.html(f'<div class="strip" role="note" aria-label="What is shown">{strip}</div>')
    if facts.warnings:
        with st.expander("Checks with a warning"):
            for name, said in facts.warnings.items():
                st.text(f"{name}: {said}")


def _model(purpose: str, model: str) -> str:
    return f"model: {model}" if purpose in model else f"{purpose}: {model}"
