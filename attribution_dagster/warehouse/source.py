"""Where events come from: finds the files, reads their columns, checks them, and fingerprints their content."""

import csv
import difflib
import glob
import gzip
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq

from attribution_dagster.datasets.specification import Extra, Profile
from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.queries import Query, columns_read, identifier, literal, load_query, quoted

Format = Literal["csv", "parquet", "duckdb"]
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".pq": "parquet",
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


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a dataset: its files, and the columns its SQL reads; `optional` ones are NULL where absent."""

    parts: tuple[Part, ...]
    required: tuple[str, ...]
    optional: tuple[str, ...]
    digest: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that at least one file has, in order of appearance."""
        return tuple(dict.fromkeys(column for part in self.parts for column in part.columns))


@dataclass(frozen=True, kw_only=True)
class Source:
    """All inputs of a dataset, the SQL that makes canonical events of them, and a digest of both."""

    dataset: str
    events: Input
    extras: Mapping[str, Input]
    staging: Query
    digest: str


def open_source(profile: Profile, path: str | Path | None = None, folders: Sequence[Path] = ()) -> Source:
    """The dataset's source: the events at `path`, or else where the profile says; nothing is read but headers.

    `folders` hold the SQL of a user's own datasets. The digest changes with the content, not with names or places.

    Raises SourceError naming the file or column, what was found, and the remedy.
    """
    staging = load_query(f"staging/stg_events__{profile.staging}", folders=folders)
    table = profile.source.table if profile.source else None
    events = _open_input(_location(profile, path), profile, staging, table)
    extras = {
        name: _open_extra(extra, events.parts[0].path.parent, name, staging) for name, extra in profile.extras.items()
    }
    digest = _hash([staging.text, events.digest, *(f"{name}={extras[name].digest}" for name in sorted(extras))])
    return Source(dataset=profile.name, events=events, extras=extras, staging=staging, digest=digest)


def _location(profile: Profile, path: str | Path | None) -> str:
    if path is not None:
        return os.fspath(path)
    if profile.source is not None and profile.source.path is not None:
        return profile.source.path
    if profile.source is not None and profile.source.table is not None:
        raise ConfigurationError(
            f"dataset {profile.name}: source.table {profile.source.table} needs source.path, the DuckDB file it is in."
        )
    raise SourceError(
        f"dataset {profile.name} has no events yet: give a file, folder or glob (--events PATH), "
        "or set source.path in its profile."
    )


def _open_input(location: str, profile: Profile, staging: Query, table: str | None) -> Input:
    parts = tuple(_open_part(path, table) for path in _one_kind(find_files(location), location))
    read = columns_read(staging, "raw_events")
    optional = tuple(sorted(read & set(profile.optional_columns)))
    required = tuple(sorted(read - set(optional)))
    for part in parts:
        _check_columns(part, required, f"dataset {profile.name}", staging)
    return Input(parts=parts, required=required, optional=optional, digest=_digest(parts))


def _open_extra(extra: Extra, beside: Path, name: str, staging: Query) -> Input:
    """A further input, looked for beside the events where its path is relative; without files when it isn't there."""
    pattern = extra.path if os.path.isabs(extra.path) else os.path.join(glob.escape(str(beside)), extra.path)
    parts = tuple(_open_part(Path(path), None) for path in sorted(glob.glob(pattern)))
    for part in parts:
        _check_columns(part, extra.columns, f"extra input {name}", staging)
    return Input(parts=parts, required=extra.columns, optional=(), digest=_digest(parts))


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


def _one_kind(files: list[Path], location: str) -> list[Path]:
    by_format: dict[str, list[Path]] = {}
    for file in files:
        by_format.setdefault(_format(file), []).append(file)
    if len(by_format) > 1:
        found = " and ".join(f"{len(group)} {kind} ({group[0].name})" for kind, group in sorted(by_format.items()))
        raise SourceError(
            f"{location} holds files of different kinds: {found}. Which are the events? Name them with a glob, "
            "for example 'folder/*.parquet'."
        )
    return files


def _format(path: Path) -> Format:
    if _suffix(path) in _SUFFIXES:
        return _SUFFIXES[_suffix(path)]
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    raise SourceError(f"{path}: {path.suffix or 'no suffix'} is no kind of file that is read here. Save it as CSV or Parquet.")


def _open_part(path: Path, table: str | None) -> Part:
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
    repeated = {column for column in columns if columns.count(column) > 1}
    if repeated or not all(column.strip() for column in columns):
        what = f"names {', '.join(sorted(repeated))} twice" if repeated else "has a column without a name"
        raise SourceError(f"{path}: the first line {what}. The first line must hold the column names, each once.")
    return delimiter, columns


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
        raise SourceError(f"{path} has {which}; tables: {', '.join(tables) or 'none'}. Set source.table in the profile.")
    return wanted[0], tables[wanted[0]]


def _check_columns(part: Part, required: Iterable[str], what: str, staging: Query) -> None:
    found = {column.casefold() for column in part.columns}
    missing = [column for column in required if column.casefold() not in found]
    if not missing:
        return
    close = difflib.get_close_matches(missing[0], part.columns, n=1)
    hint = f" Is it {close[0]!r}? Then rename that column." if close else ""
    raise SourceError(
        f"{part.path}: {what} needs the column {', '.join(missing)}, which is not there. "
        f"Found: {', '.join(part.columns)}.{hint} Rename the columns, or describe the file as a dataset of its own "
        f"(a YAML profile with an SQL file like {staging.name.split('/')[-1]}.sql)."
    )


def _digest(parts: Iterable[Part]) -> str:
    return _hash([f"{part.format} {part.table or ''} {_file_digest(part.path)}" for part in parts])


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


def _hash(texts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


def reader_sql(part: Part, rejects: str | None = None) -> str:
    """DuckDB's table expression for a file; a CSV is read as text, and lines it can't read go to `rejects`."""
    path = literal(glob.escape(str(part.path.resolve())))
    if part.format == "parquet":
        return f"read_parquet({path})"
    if part.format == "duckdb":
        schema, table = (part.table or "").split(".", 1)
        return f"{attached_name(part)}.{quoted(schema)}.{quoted(table)}"
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in part.columns)
    kept = f", store_rejects=true, rejects_limit=0, rejects_table={literal(identifier(rejects))}, rejects_scan={literal(rejects + '_scan')}" if rejects else ""
    return (
        f"read_csv({path}, auto_detect=false, header=true, delim={literal(part.delimiter)}, quote='\"', escape='\"', "
        f"columns={{{columns}}}{kept})"
    )


def attached_name(part: Part) -> str:
    """The name under which a DuckDB file is attached."""
    return "source_" + hashlib.blake2b(str(part.path.resolve()).encode(), digest_size=6).hexdigest()
