"""Published tables as CSV files that a spreadsheet opens harmlessly, a window's folder at a time.

A text cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line break, after any number
of apostrophes) gets an apostrophe in front; `read_back` takes exactly that one away again. Numbers are never touched.
NULL is an empty cell, an empty text is `""`. Files are UTF-8 without a byte-order mark; lines end with a line feed.
"""

import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.reports.caveats import (
    EXPERIMENT_SENTENCE,
    LEAKAGE_SENTENCE,
    MODEL_NOT_CAUSE,
    SIMULATED_SENTENCE,
    warning,
)
from attribution_dagster.reports.labels import one_line

# Table -> file; a table that is not listed keeps its name. What follows the prefix is the variant.
EXPORT_PREFIXES = {
    "transformer_event_attribution_": "event_type_attribution_",
    "transformer_position_attribution_": "position_attribution_",
    "transformer_store_attribution_": "store_attribution_",
    "transformer_category_attribution_": "category_attribution_",
    "transformer_event_position_attribution_": "event_position_attribution_",
}
MARK = ".attribution-export"
"""Marks a folder as written here, so that it may be replaced."""
WARNING_COLUMN = "warning"
WINDOW_COLUMN = "window_start"
RANK_COLUMN = "driver_rank"
ATTRIBUTION_READING = (
    MODEL_NOT_CAUSE,
    "Read mean_centred_effect. attribution_lift compares plain shares and carries the length of sessions.",
)
READING = {"events": ATTRIBUTION_READING, "experiment": (EXPERIMENT_SENTENCE,), "sessions": (MODEL_NOT_CAUSE,)}
"""Kind of dataset -> what stands in README.txt of how the tables are meant."""
_CELLS = (
    "CSV: UTF-8, commas; NULL is an empty cell. A text that a spreadsheet would take for a formula",
    "(it begins with = + - @, a tab or a line break) has an apostrophe in front.",
)
_TEXT = (pa.types.is_string, pa.types.is_large_string)
_FORMULA = r"^'*[=+\-@\t\r\n]"


def export_name(table: str) -> str:
    """CSV file of a table: transformer_event_attribution_no_funnel -> event_type_attribution_no_funnel.csv."""
    for prefix, exported in EXPORT_PREFIXES.items():
        if table.startswith(prefix):
            return f"{exported}{table.removeprefix(prefix)}.csv"
    return f"{table}.csv"


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its place, files and all, when the block ends well.

    When the block fails, `folder` stays as it was. Between the two renames there is an instant without a folder, never
    one with half of the files.

    Raises:
        ConfigurationError: `folder` is a file, or holds files that were not exported here.
    """
    folder = folder.absolute()
    _refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    fresh, old = (folder.with_name(f".{kind}-{mark}") for kind in ("new", "old"))
    fresh.mkdir()
    (fresh / MARK).touch()
    try:
        yield fresh
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))):
        return
    raise ConfigurationError(
        f"{folder} is a file, or holds files that were not exported here: name a new or an empty folder"
    )


def write_csv(
    path: Path,
    rows: pa.Table | pa.RecordBatchReader,
    said: str | None = None,
    *,
    is_ranked: bool = True,
    keeps_window: bool = False,
) -> int:
    """Write the rows, streaming; returns their number. window_start is left out, since the folder names the window, unless it is kept.

    `said`, a warning such as DATA LEAKAGE, stands in every row, in the last column. Where they may not be ranked, driver_rank is empty.
    """
    reader = rows.to_reader() if isinstance(rows, pa.Table) else rows
    schema = _harmless(reader.schema.empty_table(), said, is_ranked, keeps_window).schema
    header = ",".join(_quoted(name) for name in schema.names) + "\n"
    written = 0
    with path.open("wb") as file:
        file.write(header.encode())
        with csv.CSVWriter(file, schema, write_options=csv.WriteOptions(include_header=False)) as writer:
            for batch in reader:
                written += batch.num_rows
                writer.write_table(_harmless(pa.Table.from_batches([batch]), said, is_ranked, keeps_window))
    return written


def read_back(cell: str) -> str:
    """The text that `write_csv` made harmless, as it was."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r\n]", cell) else cell


def warning_of(table: str, *, leaking: Sequence[str], simulated: bool) -> str | None:
    """What every row of a published table must say; `leaking` names the variants that keep the funnel."""
    leaks = table == "leakage_comparison" or any(table.endswith(f"_{variant}") for variant in leaking)
    return warning(leaks=leaks, simulated=simulated)


@dataclass(frozen=True, kw_only=True)
class WindowExport:
    """All that is exported for one window. tables: published name -> rows; pictures: file name -> PNG.

    unranked: variants whose model does not allow to rank, so that their driver_rank is empty.
    """

    title: str
    window_key: str
    tables: Mapping[str, pa.Table | pa.RecordBatchReader]
    pictures: Mapping[str, bytes]
    leaking: Sequence[str] = ()
    unranked: Sequence[str] = ()
    simulated: bool = False
    how_to_read: Sequence[str] = ATTRIBUTION_READING

    def write(self, folder: Path) -> list[Path]:
        """Replace `folder` as a whole by CSV files, pictures and a README.txt; returns them, sorted."""
        with replaced_folder(folder) as fresh:
            for name, rows in self.tables.items():
                said = warning_of(name, leaking=self.leaking, simulated=self.simulated)
                is_ranked = not any(name.endswith(f"_{variant}") for variant in self.unranked)
                write_csv(fresh / export_name(name), rows, said, is_ranked=is_ranked)
            for name, content in self.pictures.items():
                (fresh / name).write_bytes(content)
            files = sorted(path.name for path in fresh.iterdir() if path.name != MARK)
            (fresh / "README.txt").write_text(self.readme(files), encoding="utf-8", newline="\n")
        return sorted(path for path in folder.iterdir() if path.name != MARK)

    def readme(self, files: Sequence[str]) -> str:
        """What the files are, how cells are written, and which of them carry a warning."""
        lines = [f"{one_line(self.title)}, window {self.window_key}", ""]
        lines += [SIMULATED_SENTENCE, ""] if self.simulated else []
        lines += [self.how_to_read[0], ""]
        if self.leaking:
            concerned = f"This holds for {', '.join(self.leaking)} and leakage_comparison; their last column says it."
            lines += [LEAKAGE_SENTENCE, concerned, ""]
        if self.unranked:
            withheld = ", ".join(self.unranked)
            lines += [f"No ranking: driver_rank of {withheld} is empty; the model card says why.", ""]
        return "\n".join([*lines, *self.how_to_read[1:], *_CELLS, "", *files, ""])


def _harmless(table: pa.Table, said: str | None, is_ranked: bool, keeps_window: bool) -> pa.Table:
    """Columns as they are exported: texts made harmless, window_start and what may not be said left out, the warning appended."""
    names = [name for name in table.column_names if keeps_window or name != WINDOW_COLUMN]
    columns = {name: _harmless_column(table[name]) for name in names}
    if RANK_COLUMN in columns and not is_ranked:
        columns[RANK_COLUMN] = pa.chunked_array([pa.nulls(table.num_rows, table[RANK_COLUMN].type)])
    if said is not None:
        columns[WARNING_COLUMN] = pa.chunked_array([pa.repeat(pa.scalar(said), table.num_rows)])
    return pa.table(columns)


def _harmless_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not any(is_text(column.type) for is_text in _TEXT):
        return column
    marked = pc.binary_join_element_wise(pa.scalar("'", column.type), column, pa.scalar("", column.type))
    return pc.if_else(pc.match_substring_regex(column, _FORMULA), marked, column)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
