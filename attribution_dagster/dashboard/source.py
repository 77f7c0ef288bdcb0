"""What pages read: datasets, published windows, rows. Kept in memory under the moment of publication, so that nothing old is shown for new."""

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import streamlit as st

from attribution_dagster.datasets.registry import known_datasets
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.published_window import PublishedWindow, open_window
from attribution_dagster.resources.workspace import Workspace, open_workspace
from attribution_dagster.settings import Settings

FRESH_S = 20
"""Seconds for which a list of windows is believed: so late may a new publication be seen."""
KEPT = 256
"""Results that are kept in memory."""


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings of the process."""
    return Settings.from_environment()


@st.cache_resource(show_spinner=False)
def workspace(dataset: str) -> Workspace:
    """The dataset's workspace; everything below reads its published tables only."""
    return open_workspace(dataset, settings(), LoggedProgress())


@st.cache_data(ttl=FRESH_S, show_spinner=False)
def datasets() -> list[str]:
    """The datasets of the settings, and the others that have anything published; on Snowflake the former only, since asking costs."""
    enabled = settings().datasets
    if settings().warehouse == "snowflake":
        return list(enabled)
    return [
        *enabled,
        *(
            name
            for name in sorted(known_datasets(settings().dataset_folders))
            if name not in enabled and _is_published(name)
        ),
    ]


@st.cache_data(ttl=FRESH_S, show_spinner=False)
def windows(dataset: str) -> list[str]:
    """Keys of the published windows, the latest first."""
    return workspace(dataset).warehouse.published_windows()[::-1]


@st.cache_resource(ttl=FRESH_S, max_entries=32, show_spinner=False)
def window(dataset: str, key: str) -> PublishedWindow | None:
    """The window as it is published."""
    return open_window(workspace(dataset), key)


def rows(shown: PublishedWindow, section: Section, variant: str | None, **parameters: object) -> pa.Table:
    """The section's rows, as of the publication that is shown."""
    chosen = variant if section.per_variant else None
    return _rows(shown, section, _version(shown), section.name, chosen, parameters)


def fetch(shown: PublishedWindow, query: str, variant: str | None, **parameters: object) -> pa.Table:
    """The result of a query of sql/dashboard/, as of the publication that is shown."""
    return _fetched(shown, _version(shown), query, variant, parameters)


def _version(shown: PublishedWindow) -> tuple[str, str, datetime]:
    return shown.facts.dataset, shown.facts.window_key, shown.facts.published_at


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _rows(
    _shown: PublishedWindow,
    _section: Section,
    version: tuple[str, str, datetime],
    name: str,
    variant: str | None,
    parameters: Mapping[str, object],
) -> pa.Table:
    return _shown.rows(_section, variant, **parameters)


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _fetched(
    _shown: PublishedWindow,
    version: tuple[str, str, datetime],
    query: str,
    variant: str | None,
    parameters: Mapping[str, object],
) -> pa.Table:
    return _shown.fetch(query, variant, **parameters)


def _is_published(dataset: str) -> bool:
    try:
        return bool(windows(dataset))
    except AttributionError:
        return False  # a profile that can't be read, or a table that is not one of events
