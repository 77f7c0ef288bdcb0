"""Tells Dagster what has been made, where Dagster started this command on another machine by Pipes (`elsewhere.py`)."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from attribution_dagster.elsewhere import MADE

Report = Callable[[dg.AssetMaterialization], None]
LONGEST_MADE_BYTES = 7_500
"""Of what is told of one asset, as JSON; with what Pipes puts around it, a message stays below 8,192 bytes. A longer one is written in two
steps, and Dagster, which reads the file meanwhile, takes the first for the whole."""
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
    """The materialisation as JSON, with the shortest of its numbers and texts, as many as a message holds.

    Pictures and tables, and what is too long, stay where they were made.
    """
    told = {
        "key": list(made.asset_key.path),
        "partition": made.partition,
        "version": (made.tags or {}).get("dagster/data_version"),
    }
    plain = ({name: value.value} for name, value in made.metadata.items() if _is_plain(value))
    metadata: dict[str, object] = {}
    for entry in sorted(plain, key=_bytes):
        if _bytes({**told, "metadata": {**metadata, **entry}}) > LONGEST_MADE_BYTES:
            break
        metadata |= entry
    return {**told, "metadata": metadata}


def _bytes(value: object) -> int:
    """Length as JSON, which is ASCII: a letter with an accent counts 6."""
    return len(json.dumps(value))


def _is_plain(value: dg.MetadataValue[object]) -> bool:
    return isinstance(value.value, int | float | str) and not isinstance(value, dg.MarkdownMetadataValue)
