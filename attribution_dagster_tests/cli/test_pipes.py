"""What is told of an asset by Pipes: each message is one whole line at whatever moment Dagster reads the file."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import dagster_pipes
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attribution_dagster.cli.pipes import reporting
from attribution_dagster.elsewhere import MADE

WRITTEN_IN_ONE_STEP = 8_192
"""Bytes: Python's buffer for text files, which Pipes' message file is."""
_CONTEXT = dict.fromkeys(
    ("asset_keys", "code_version_by_asset_key", "provenance_by_asset_key", "partition_key", "partition_key_range", "partition_time_window")
) | {"run_id": "of-this-test", "job_name": None, "retry_number": 0, "extras": {}}  # fmt: skip
PICTURE = dg.MetadataValue.md(f"![picture](data:image/png;base64,{'iVBORw0KGgo' * 20_000})")


@pytest.fixture
def messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that Pipes writes messages to, as if Dagster had started this process."""
    file = tmp_path / "messages"
    monkeypatch.setenv("DAGSTER_PIPES_CONTEXT", dagster_pipes.encode_env_var({"data": _CONTEXT}))
    monkeypatch.setenv("DAGSTER_PIPES_MESSAGES", dagster_pipes.encode_env_var({"path": str(file)}))
    monkeypatch.setattr(dagster_pipes.PipesContext, "_instance", None)
    return file


def told(messages: Path, metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata in the one message about an asset with this metadata."""
    messages.unlink(missing_ok=True)
    dagster_pipes.PipesContext._instance = None
    asset = dg.AssetMaterialization(
        dg.AssetKey(["small", "no_funnel", "event_attribution"]),
        partition="2025-01-20",
        metadata=metadata,
        tags={"dagster/data_version": "0123456789abcdef"},
    )
    with reporting() as report:
        report(asset)
    lines = messages.read_bytes().splitlines(keepends=True)
    assert max(map(len, lines)) < WRITTEN_IN_ONE_STEP
    (payload,) = [each["params"]["payload"][MADE] for each in map(json.loads, lines) if MADE in str(each)]
    assert payload["key"] == list(asset.asset_key.path) and payload["version"] == "0123456789abcdef"
    assert payload["partition"] == "2025-01-20"
    found: dict[str, Any] = payload["metadata"]
    return found


def test_numbers_and_texts_are_told_but_no_picture_and_no_table(messages: Path) -> None:
    metadata = {
        "dagster/row_count": 12,
        "auc": 0.75,
        "status": "made in this run",
        "panels": PICTURE,
        "rows": {"a": [1]},
    }
    assert told(messages, metadata) == {"dagster/row_count": 12, "auc": 0.75, "status": "made in this run"}


def test_a_long_text_or_name_leaves_room_for_the_others(messages: Path) -> None:
    hostile = '\u202e\U0001f4a5\n"},{" ' * 400
    metadata = {"advice": "x" * 9_000, hostile: 1, "of": hostile, "dagster/row_count": 12, "panels": PICTURE}
    assert told(messages, metadata) == {"dagster/row_count": 12}


def test_of_many_entries_the_shortest_are_told(messages: Path) -> None:
    metadata: dict[str, Any] = {f"text {number}": "é" * 200 for number in range(500)}
    metadata |= {f"number {number}": number for number in range(100)}
    found = told(messages, metadata)
    assert {f"number {number}" for number in range(100)} < set(found) < set(metadata)


@settings(max_examples=60, suppress_health_check=[*HealthCheck])
@given(st.dictionaries(st.text(max_size=300), st.integers() | st.floats() | st.text(max_size=3_000), max_size=40))
def test_no_message_is_longer_than_what_is_written_in_one_step(messages: Path, metadata: dict[str, Any]) -> None:
    assert told(messages, metadata).keys() <= metadata.keys()
