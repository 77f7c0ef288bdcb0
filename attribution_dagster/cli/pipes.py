"""Tells Dagster what has been made, where Dagster started this command on another machine by Pipes (`elsewhere.py`)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from attribution_dagster.elsewhere import MADE

Report = Callable[[dg.AssetMaterialization], None]
LONGEST_TEXT = 200
"""Characters of a text that is told. A message is to stay below 8,192 bytes: a longer one is written in two steps, and Dagster, which reads
the file meanwhile, takes the first for the whole."""
_STARTED_BY_PIPES = "DAGSTER_PIPES_CONTEXT"
_ON_DATABRICKS = "DATABRICKS_RUNTIME_VERSION"


@contextmanager
def reporting() -> Iterator[Report]:
    """What is to be called with each asset that has been made; it does nothing unless Pipes started this process."""
    if _STARTED_BY_PIPES not in os.environ:
        yield lambda made: None
        return
    import dagster_pipes as pipes

    options = {}
    if _ON_DATABRICKS in os.environ:
        options = {
            "context_loader": pipes.PipesUnityCatalogVolumesContextLoader(),
            "message_writer": pipes.PipesUnityCatalogVolumesMessageWriter(),
        }
    with pipes.open_dagster_pipes(**options) as context:
        yield lambda made: context.report_custom_message({MADE: _told(made)})


def _told(made: dg.AssetMaterialization) -> dict[str, object]:
    """The materialisation as JSON; of its metadata what is a number or a short text. Pictures and tables, and long texts, stay where they were made."""
    plain = {name: value.value for name, value in made.metadata.items() if _is_short(value)}
    return {
        "key": list(made.asset_key.path),
        "partition": made.partition,
        "version": (made.tags or {}).get("dagster/data_version"),
        "metadata": plain,
    }


def _is_short(value: dg.MetadataValue[object]) -> bool:
    if isinstance(value.value, str):
        return not isinstance(value, dg.MarkdownMetadataValue) and len(value.value) <= LONGEST_TEXT
    return isinstance(value.value, int | float)
