"""Where events come from: finds the files, reads their columns, checks them, and fingerprints their content."""

import difflib
import glob
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attribution_dagster.datasets.profile import Extra, Profile
from attribution_dagster.errors import ConfigurationError, SourceError
from attribution_dagster.warehouse.files import (
    WAREHOUSE_TABLE,
    Part,
    content_digest,
    find_files,
    hash_texts,
    of_one_kind,
    open_part,
)
from attribution_dagster.warehouse.queries import Query, columns_read, load_query

TABLE_PREFIX = "table:"
"""What a source begins with that is a table of the warehouse: `table:database.schema.name`."""
Describe = Callable[[str], tuple[tuple[str, ...], str]]
"""Table of the warehouse -> its columns, and a digest that changes when it does."""


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


def open_source(
    profile: Profile, path: str | Path | None = None, folders: Sequence[Path] = (), tables: Describe | None = None
) -> Source:
    """The dataset's source: the events at `path`, or else where the profile says; nothing is read but headers.

    `folders` hold the SQL of a user's own datasets; `tables` describes tables of the warehouse. The digest changes with
    the content, not with names or places.

    Raises SourceError naming the file or column, what was found, and the remedy.
    """
    staging = load_query(profile.staging_sql, folders=folders)
    table = profile.source.table if profile.source else None
    events = _open_input(_location(profile, path), profile, staging, table, tables)
    extras = {
        name: _open_extra(extra, events.parts[0].path.parent, name, staging) for name, extra in profile.extras.items()
    }
    digest = hash_texts([staging.text, events.digest, *(f"{name}={extras[name].digest}" for name in sorted(extras))])
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
    if profile.source is not None and profile.source.simulate is not None:
        raise SourceError(
            f"dataset {profile.name} is simulated: `attribution run --dataset {profile.name}` draws its events, and there is no file to look at."
        )
    raise SourceError(
        f"dataset {profile.name} has no events yet: give a file, folder or glob (--events PATH), "
        "or set source.path in its profile."
    )


def _open_input(location: str, profile: Profile, staging: Query, table: str | None, tables: Describe | None) -> Input:
    if location.startswith(TABLE_PREFIX):
        parts, digest = _open_table(location, tables)
    else:
        parts = tuple(open_part(path, table) for path in of_one_kind(find_files(location), location))
        digest = content_digest(parts)
    read = columns_read(staging, "raw_events")
    optional = tuple(sorted(read & set(profile.optional_columns)))
    required = tuple(sorted(read - set(optional)))
    for part in parts:
        check_columns(str(part.path), part.columns, required, f"dataset {profile.name}", staging)
    return Input(parts=parts, required=required, optional=optional, digest=digest)


def _open_table(location: str, tables: Describe | None) -> tuple[tuple[Part, ...], str]:
    name = location.removeprefix(TABLE_PREFIX)
    if tables is None:
        raise ConfigurationError(f"{location} names a table of the warehouse, and there is no warehouse that has it")
    columns, digest = tables(name)
    return (Part(path=Path(name), format=WAREHOUSE_TABLE, columns=columns, table=name),), digest


def _open_extra(extra: Extra, beside: Path, name: str, staging: Query) -> Input:
    """A further input, looked for beside the events where its path is relative; without files when it isn't there."""
    pattern = extra.path if os.path.isabs(extra.path) else os.path.join(glob.escape(str(beside)), extra.path)
    parts = tuple(open_part(Path(path)) for path in sorted(glob.glob(pattern)))
    for part in parts:
        check_columns(str(part.path), part.columns, extra.columns, f"extra input {name}", staging)
    return Input(parts=parts, required=extra.columns, optional=(), digest=content_digest(parts))


def check_columns(where: str, columns: Sequence[str], required: Iterable[str], what: str, staging: Query) -> None:
    """Raises SourceError naming the required column that is not among those found, and one that it may be meant to be."""
    found = {column.casefold() for column in columns}
    missing = [column for column in required if column.casefold() not in found]
    if not missing:
        return
    close = difflib.get_close_matches(missing[0], columns, n=1)
    hint = f" Is it {close[0]!r}? Then rename that column." if close else ""
    raise SourceError(
        f"{where}: {what} needs the column {', '.join(missing)}, which is not there. "
        f"Found: {', '.join(columns)}.{hint} Rename the columns, or describe the file as a dataset of its own "
        f"(a YAML profile with an SQL file like {staging.name.split('/')[-1]}.sql)."
    )
