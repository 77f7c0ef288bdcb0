"""The files behind a source: found by path, folder or glob, with their columns and a digest of their content."""

import csv
import difflib
import glob
import gzip
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.errors import SourceError

Format = Literal["csv", "parquet", "duckdb", "table"]
WAREHOUSE_TABLE: Literal["table"] = "table"
"""What is no file but a table of the warehouse."""
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet",
    ".duckdb": "duckdb", ".db": "duckdb",
}  # fmt: skip
_DELIMITERS = ",;\t|"
_WHOLE_FILE_BYTES = 512 << 20  # larger files are fingerprinted by sample, size and time of change
_SAMPLE_BYTES, _SAMPLES = 1 << 20, 64


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file: its format, the columns in it, and how to read it (delimiter of a CSV, table of a DuckDB file)."""

    path: Path
    format: Format
    columns: tuple[str, ...]
    delimiter: str = ","
    table: str | None = None


def find_files(location: str) -> list[Path]:
    """The data files at a path: the file itself, those in a folder and below it, or what a glob matches, sorted.

    Raises SourceError when there are none.
    """
    path = Path(location).expanduser()
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.is_file() and not _hidden(file.relative_to(path))]
        files = [file for file in found if _suffix(file) in _SUFFIXES]
        if not files:
            seen = ", ".join(file.name for file in found[:3]) or "nothing"
            raise SourceError(f"folder {path} holds no CSV or Parquet file (found: {seen}). Give the folder that does.")
        return files
    if path.exists():
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True)) if os.path.isfile(match)]
    if matches:
        return matches
    if glob.has_magic(location):
        raise SourceError(f"no file matches {location}. Check the pattern; the folder it starts in is {Path.cwd()}.")
    raise SourceError(f"there is no file {path}{_nearby(path)}. Give the path of a CSV or Parquet file, or a folder.")


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor a folder {path.parent})"
    close = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    return f" (there is {close[0]})" if close else ""


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def of_one_kind(files: list[Path], location: str) -> list[Path]:
    """The files themselves. Raises SourceError when they are of different kinds: which are meant can't be known."""
    by_format: dict[str, list[Path]] = {}
    for file in files:
        by_format.setdefault(_format(file), []).append(file)
    if len(by_format) > 1:
        found = " and ".join(f"{len(group)} {kind} ({group[0].name})" for kind, group in sorted(by_format.items()))
        raise SourceError(
            f"{location} holds files of different kinds: {found}. Which are the events? Name them with a glob, "
            "for example 'folder/events/*.parquet'."
        )
    return files


def _format(path: Path) -> Format:
    if _suffix(path) in _SUFFIXES:
        return _SUFFIXES[_suffix(path)]
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    raise SourceError(
        f"{path}: {path.suffix or 'no suffix'} is no kind of file that is read here. Save it as CSV or Parquet."
    )


def open_part(path: Path, table: str | None = None) -> Part:
    """The file with its columns. Raises SourceError when it can't be read as what its name says."""
    kind = _format(path)
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes). Export it again, or take it out of the folder.")
    if kind == "csv":
        delimiter, columns = _csv_header(path)
        return Part(path=path, format=kind, columns=columns, delimiter=delimiter)
    if kind == "duckdb":
        table, columns = _duckdb_columns(path, table)
        return Part(path=path, format=kind, columns=columns, table=table)
    try:
        return Part(path=path, format=kind, columns=tuple(pq.read_schema(path).names))
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} is not a readable Parquet file: {error}. Export it again.") from error


def _csv_header(path: Path) -> tuple[str, tuple[str, ...]]:
    """The delimiter and the column names: the delimiter that splits the first line into the most names."""
    try:
        with _open_bytes(path) as file:
            line = file.readline(1 << 20).decode("utf-8-sig").rstrip("\r\n")
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise SourceError(f"{path}: its first line is not UTF-8 text ({error}). Save it as CSV in UTF-8.") from error
    headers = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in _DELIMITERS}
    delimiter = max(_DELIMITERS, key=lambda candidate: len(headers[candidate]))
    columns = tuple(headers[delimiter])
    folded = [column.casefold() for column in columns]
    repeated = {column for column in columns if folded.count(column.casefold()) > 1}
    if repeated or not all(column.strip() for column in columns):
        what = f"names {', '.join(sorted(repeated))} twice" if repeated else "has a column without a name"
        raise SourceError(f"{path}: the first line {what}. The first line must hold the column names, each once.")
    return delimiter, columns


def other_line_end(path: Path) -> int | None:
    """Number of the first line of a CSV that does not end as its first line does, in CR LF or in LF; None where all do, or it is cut short."""
    with suppress(EOFError, OSError), _open_bytes(path) as file:
        is_crlf = file.readline().endswith(b"\r\n")
        for number, line in enumerate(file, start=2):
            if line.endswith(b"\n") and line.endswith(b"\r\n") != is_crlf:
                return number
    return None


def _open_bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.name.endswith(".gz") else path.open("rb")


def _duckdb_columns(path: Path, table: str | None) -> tuple[str, tuple[str, ...]]:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(
                "SELECT table_schema || '.' || table_name, list(column_name ORDER BY ordinal_position) "
                "FROM information_schema.columns GROUP BY 1 ORDER BY 1"
            ).fetchall()
    except duckdb.Error as error:
        raise SourceError(f"{path} can't be read as a DuckDB file: {error}") from error
    tables = {name: tuple(columns) for name, columns in rows}
    wanted = [name for name in tables if table is None or table in (name, name.split(".", 1)[1])]
    if len(wanted) != 1:
        which = f"no table {table}" if table else "no single table" if tables else "no table"
        raise SourceError(
            f"{path} has {which}; tables: {', '.join(tables) or 'none'}. Set source.table in the profile."
        )
    return wanted[0], tables[wanted[0]]


def content_digest(parts: Iterable[Part]) -> str:
    """A digest of what the files hold, in their order; neither names nor places enter."""
    return hash_texts([f"{part.format} {part.table or ''} {_file_digest(part.path)}" for part in parts])


def _file_digest(path: Path) -> str:
    """BLAKE2 of the content; of a file over 512 MB, of 64 samples, its size and its time of change."""
    stat, digest = path.stat(), hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        if stat.st_size <= _WHOLE_FILE_BYTES:
            while block := file.read(_SAMPLE_BYTES):
                digest.update(block)
            return digest.hexdigest()
        digest.update(f"{stat.st_size} {stat.st_mtime_ns}".encode())
        for sample in range(_SAMPLES):
            file.seek(sample * (stat.st_size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def hash_texts(texts: Iterable[str]) -> str:
    """BLAKE2 of the texts, each with its length, as 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()
