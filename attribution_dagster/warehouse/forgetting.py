"""Takes a user's rows out of Parquet files: what stays is written to a file of its own, whole or not at all."""

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FREE_TEXT = ("detail", "problem", "line_text")
"""Columns that quote lines of the source which could not be read as rows."""
REFERENCES = ("matched_case",)
"""Columns that name a session of somebody, who need not be the row's own user."""


@dataclass(frozen=True, kw_only=True)
class Forgettable:
    """Recognises what belongs to one user."""

    user_id: str

    def stays(self, batch: pa.RecordBatch) -> pa.Array:
        """For each row, whether it stays: it is nobody's, or another user's."""
        stays = pa.array([True] * batch.num_rows)
        for name in batch.schema.names:
            column = batch.column(name)
            if name == "user_id" or name.endswith("_user_id"):
                stays = pc.and_(stays, _true_if_null(pc.not_equal(column, self.user_id)))
            elif name == "session_id":
                stays = pc.and_(stays, _true_if_null(pc.invert(self.owns(column))))
            elif name in FREE_TEXT:
                stays = pc.and_(stays, _true_if_null(pc.invert(pc.match_substring_regex(column, self._quoted()))))
        return stays

    def owns(self, session_ids: pa.Array) -> pa.Array:
        """For each session id, whether it is the user's: ids begin with the escaped user and the separator."""
        return pc.starts_with(session_ids.cast(pa.string()), self.session_prefix)

    def is_named_in(self, row: Mapping[str, object]) -> bool:
        """Whether a quoted row names the user or one of the user's sessions, in whatever column."""
        return any(
            isinstance(value, str) and (value == self.user_id or value.startswith(self.session_prefix))
            for value in row.values()
        )

    @property
    def session_prefix(self) -> str:
        """What the ids of the user's sessions begin with."""
        escaped = self.user_id.replace("%", "%25").replace("_", "%5F")
        return f"{escaped}_"

    def unreferenced(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with NULL where they name a session of the user."""
        for position, name in enumerate(batch.schema.names):
            if name in REFERENCES:
                column = batch.column(name)
                kept = pc.if_else(pc.fill_null(self.owns(column), False), pa.scalar(None, column.type), column)
                batch = batch.set_column(position, batch.schema.field(name), kept)
        return batch

    def _quoted(self) -> str:
        """The id as a cell of a line: between separators, or at an end."""
        edge = r'[\s,;|"]'
        return f"(^|{edge}){_escaped(self.user_id)}({edge}|$)"


def write_without(path: Path, target: Path, user: Forgettable) -> int | None:
    """Number of rows left out of `target`, which is the file without the user; None, and no target, if nothing in it is the user's."""
    with pq.ParquetFile(path) as stored:
        if not any(_changes(batch, user) for batch in stored.iter_batches()):
            return None
        removed, making = 0, path.parent / f".tmp-{uuid.uuid4().hex}"
        try:
            with pq.ParquetWriter(making, stored.schema_arrow) as writer:
                for batch in stored.iter_batches():
                    kept = user.unreferenced(batch.filter(user.stays(batch)))
                    removed += batch.num_rows - kept.num_rows
                    writer.write_batch(kept)
            os.replace(making, target)
        finally:
            making.unlink(missing_ok=True)
    return removed


def _changes(batch: pa.RecordBatch, user: Forgettable) -> bool:
    if not pc.all(user.stays(batch)).as_py():
        return True
    return any(pc.any(user.owns(batch.column(name))).as_py() for name in REFERENCES if name in batch.schema.names)


def _true_if_null(stays: pa.Array) -> pa.Array:
    """A row without a value in the column is nobody's, so it stays."""
    return pc.fill_null(stays, True)


def _escaped(text: str) -> str:
    """The text for RE2, which knows fewer escapes than Python writes."""
    return "".join(c if re.fullmatch(r"\w", c, re.ASCII) or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)
