"""DuckDB's view of a source: CSV files become a Parquet snapshot once, everything else is read where it lies."""

import glob
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.files import Part, other_line_end
from attribution_dagster.warehouse.queries import literal, quoted, traced
from attribution_dagster.warehouse.source import Input, Source
from attribution_dagster.warehouse.suppression import Suppression

_MALFORMED_COLUMNS = ("input", "file_name", "line", "problem", "line_text")
_LONGEST_LINE = 2_000_000  # bytes; a longer line is malformed


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Conditions on what a snapshot may hold: of a row, and of a line that is none; None where everything may stay."""

    row: str | None = None
    line: str | None = None


def input_sql(
    connection: duckdb.DuckDBPyConnection, source: Input, folder: Path, name: str, kept: Kept = Kept()
) -> str:
    """SELECT over all rows of an input; missing optional columns are NULL, an input without files is empty.

    A CSV is read once, every column as text, into `folder`; lines that can't be read are kept there too. So all
    windows see the same rows even if the file changes, and a malformed line is counted once.

    Raises SourceError when a file can't be read to its end.
    """
    readers = [_reader(connection, group) for group in _alike(part for part in source.parts if part.format != "csv")]
    csv_groups = _alike(part for part in source.parts if part.format == "csv")
    if csv_groups:
        snapshot = _snapshot(connection, csv_groups, snapshot_folder(folder, name, source.digest), name, kept)
        readers.append(f"read_parquet({literal(snapshot + '/part-*')}, union_by_name=true)")
    selects = [f"SELECT * FROM {reader}" for reader in readers]
    present = {column.casefold() for column in source.columns}
    lacking = [column for column in (*source.required, *source.optional) if column.casefold() not in present]
    if lacking:
        nulls = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(column)}" for column in lacking)
        selects.append(f"SELECT {nulls} WHERE FALSE")
    return " UNION ALL BY NAME ".join(selects)


def snapshot(
    connection: duckdb.DuckDBPyConnection, source: Input, folder: Path, name: str, kept: Kept = Kept()
) -> Path:
    """Folder of Parquet files `part-*` with all rows of an input, every column as text; made where it isn't there.

    Raises SourceError when a file can't be read to its end.
    """
    target = snapshot_folder(folder, name, source.digest)
    _snapshot(connection, _alike(source.parts), target, name, kept)
    return target


def kept_in_snapshot(source: Source, name: str, listed: Suppression) -> Kept:
    """What a snapshot of the input may hold. ConfigurationError if it can't be told whose a line of the events is."""
    if not listed.hashes:
        return Kept()
    each = source.events if name == "events" else source.extras[name]
    user = traced(source.staging, "user_id", f"raw_{name}", "duckdb") or _own_user(each)
    if name == "events" and user is None and any(part.format == "csv" for part in each.parts):
        raise ConfigurationError(
            f"{source.staging.name}: it can't be told from which columns of raw_events user_id is made, so users who were forgotten "
            "can't be kept out of the copy that is made of a CSV. Give the events as Parquet, or make user_id of columns of raw_events only."
        )
    return Kept(row=listed.keeps_sql(user) if user else None, line=listed.keeps_line_sql("e.csv_line"))


def _own_user(each: Input) -> str | None:
    """The input's column called user_id, where it has one: the staging SQL need not pass it on."""
    return next((quoted(column) for column in each.columns if column.casefold() == "user_id"), None)


def malformed_sql(folders: Iterable[Path]) -> str:
    """SELECT over the malformed lines of all snapshots in the folders."""
    files = [str(folder / "malformed.parquet") for folder in folders if (folder / "malformed.parquet").exists()]
    if files:
        listed = ", ".join(literal(glob.escape(file)) for file in files)
        return f"SELECT * FROM read_parquet([{listed}])"
    return "SELECT " + ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in _MALFORMED_COLUMNS) + " WHERE FALSE"


def snapshot_folder(folder: Path, name: str, digest: str) -> Path:
    """Where the snapshot of an input with this digest lies."""
    return folder / f"{name}-{digest}"


def _snapshot(
    connection: duckdb.DuckDBPyConnection, groups: Sequence[list[Part]], target: Path, name: str, kept: Kept
) -> str:
    """The folder with the CSV files as Parquet, escaped for a glob; made if it isn't there."""
    if not target.exists():
        making = target.parent / f".tmp-{uuid.uuid4().hex}"
        making.mkdir(parents=True)
        try:
            _write_snapshot(connection, groups, making, name, kept)
            if not target.exists():  # another process may have been faster
                os.rename(making, target)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    os.utime(target)  # pruning goes by when it was last used
    return glob.escape(str(target))


def _write_snapshot(
    connection: duckdb.DuckDBPyConnection, groups: Sequence[list[Part]], folder: Path, name: str, kept: Kept
) -> None:
    rejects = f"rejects_{uuid.uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute("SET preserve_insertion_order = false")
        for number, group in enumerate(groups):
            target = literal(str(folder / f"part-{number:04d}.parquet"))
            try:
                rows = f"SELECT {_texts(group)} FROM {_any_reader(cursor, group, rejects)} WHERE {kept.row or 'true'}"
                cursor.execute(f"COPY ({rows}) TO {target} (FORMAT parquet)")
            except duckdb.Error as error:
                raise SourceError(_unreadable(group, str(error).splitlines()[0])) from error
        if any(group[0].format != "csv" for group in groups):
            return
        # A line may break several rules; it is one malformed line.
        cursor.execute(
            f"COPY (SELECT {literal(name)} AS input, s.file_path AS file_name, e.line AS line, "
            "min(e.error_message) AS problem, trim(min(e.csv_line), chr(10) || chr(13)) AS line_text "
            f"FROM {rejects} AS e JOIN {rejects}_scan AS s USING (scan_id, file_id) "
            f"WHERE {kept.line or 'true'} GROUP BY s.file_path, s.scan_id, e.line) TO {literal(str(folder / 'malformed.parquet'))} (FORMAT parquet)"
        )


def _unreadable(group: Sequence[Part], problem: str) -> str:
    """What is wrong with the CSV files, and the remedy."""
    for part in group:
        line = other_line_end(part.path)
        if line is not None:
            return (
                f"{part.path} can't be read to its end: its lines end in two ways, line {line} otherwise than line 1 (CR LF and LF). Make them "
                "one: tr -d '\\r' < FILE > NEW_FILE"
            )
    return f"{group[0].path} can't be read to its end: {problem} Export it again as CSV in UTF-8."


def _alike(parts: Iterable[Part]) -> list[list[Part]]:
    """Files that one reader can read together: same format, columns, delimiter and table."""
    groups: dict[tuple[object, ...], list[Part]] = {}
    for part in parts:
        together = (part.format, part.columns, part.delimiter, part.table)
        if part.format == "duckdb":
            together = (*together, part.path)
        groups.setdefault(together, []).append(part)
    return list(groups.values())


def _texts(group: list[Part]) -> str:
    return ", ".join(f"CAST({quoted(column)} AS VARCHAR) AS {quoted(column)}" for column in group[0].columns)


def _any_reader(connection: duckdb.DuckDBPyConnection, group: list[Part], rejects: str) -> str:
    return _csv_reader(group, rejects) if group[0].format == "csv" else _reader(connection, group)


def _reader(connection: duckdb.DuckDBPyConnection, group: list[Part]) -> str:
    if group[0].format == "parquet":
        return f"read_parquet([{_paths(group)}])"
    part = group[0]
    path = str(part.path.resolve())
    alias = "source_" + hashlib.blake2b(path.encode(), digest_size=6).hexdigest()
    connection.execute(f"ATTACH IF NOT EXISTS {literal(path)} AS {alias} (READ_ONLY)")
    schema, table = (part.table or "").split(".", 1)
    return f"{alias}.{quoted(schema)}.{quoted(table)}"


def _csv_reader(group: list[Part], rejects: str) -> str:
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in group[0].columns)
    return (
        f"read_csv([{_paths(group)}], auto_detect=false, header=true, delim={literal(group[0].delimiter)}, "
        f"quote='\"', escape='\"', columns={{{columns}}}, max_line_size={_LONGEST_LINE}, store_rejects=true, "
        f"rejects_limit=0, rejects_table={literal(rejects)}, rejects_scan={literal(rejects + '_scan')})"
    )


def _paths(group: list[Part]) -> str:
    return ", ".join(literal(glob.escape(str(part.path.resolve()))) for part in group)
