"""The tables' definitions in `sql/ddl/`: columns, types and documentation, read from the one place where they stand."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import sqlglot
from sqlglot import exp

from attribution_dagster.errors import ConfigurationError, DataError
from attribution_dagster.warehouse.queries import DIALECT, identifier, quoted, sql_folder

_OPEN = "_{variant}"
_ARROW = {
    "VARCHAR": pa.string(), "DOUBLE": pa.float64(), "BIGINT": pa.int64(), "INT": pa.int32(), "BOOLEAN": pa.bool_(),
    "TIMESTAMPNTZ": pa.timestamp("us"), "DATE": pa.date32(),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its name, its type in Snowflake's dialect, what it means."""

    name: str
    type: str
    comment: str = ""

    def cast_sql(self, value: str, dialect: str) -> str:
        """The value as the column's type, under the column's name."""
        return f"CAST({value} AS {_type_in(self.type, dialect)}) AS {quoted(self.name, dialect)}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table: its columns in order, and what it holds."""

    name: str
    columns: tuple[Column, ...]
    comment: str

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types in Arrow."""
        return pa.schema([(column.name, _ARROW[column.type]) for column in self.columns])

    def fitted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch's columns in the table's order, as its types. Raises DataError if one is missing."""
        missing = [column.name for column in self.columns if column.name not in batch.schema.names]
        if missing:
            raise DataError(f"table {self.name}: the rows lack the column {', '.join(missing)}")
        return batch.select(self.schema.names).cast(self.schema)

    def empty_sql(self, dialect: str) -> str:
        """A SELECT with the table's columns and types, and no row."""
        return f"SELECT {', '.join(c.cast_sql('NULL', dialect) for c in self.columns)} WHERE FALSE"

    def cast_sql(self, dialect: str) -> str:
        """The list of columns, each cast to its type."""
        return ", ".join(c.cast_sql(quoted(c.name, dialect), dialect) for c in self.columns)


def table_definition(name: str) -> Table:
    """The definition of a table; `<stem>_<variant>` is looked up in the stem's file.

    Raises ConfigurationError for a table that nobody has defined, naming those that exist.
    """
    files = _files()
    if name in files and not _is_open(files[name]):
        return _parse(files[name], None)
    stems = [stem for stem in files if name.startswith(f"{stem}_") and _is_open(files[stem])]
    if not stems:
        known = ", ".join(stem + (_OPEN if _is_open(path) else "") for stem, path in sorted(files.items()))
        raise ConfigurationError(f"there is no table {name}. Tables: {known}.")
    stem = max(stems, key=len)
    return _parse(files[stem], identifier(name[len(stem) + 1 :]))


def table_names() -> list[str]:
    """Names of all defined tables; one table per variant is written `<stem>_{variant}`."""
    return [stem + (_OPEN if _is_open(path) else "") for stem, path in sorted(_files().items())]


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted((sql_folder() / "ddl").glob("*.sql"))}


@lru_cache(maxsize=512)
def _is_open(path: Path) -> bool:
    return _OPEN in path.read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _parse(path: Path, variant: str | None) -> Table:
    text = path.read_text(encoding="utf-8").replace("{variant}", variant or "")
    tree = sqlglot.parse_one(text, read=DIALECT)
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Schema):
        raise ConfigurationError(f"{path}: expected one CREATE TABLE statement with its columns")
    comment = tree.find(exp.SchemaCommentProperty)
    return Table(
        name=tree.this.this.name,
        columns=tuple(_column(node) for node in tree.this.expressions if isinstance(node, exp.ColumnDef)),
        comment=comment.this.name if comment else "",
    )


@lru_cache(maxsize=64)
def _type_in(type_name: str, dialect: str) -> str:
    return exp.DataType.build(type_name, dialect=DIALECT).sql(dialect=dialect)


def _column(node: exp.ColumnDef) -> Column:
    comment = node.find(exp.CommentColumnConstraint)
    kind = node.args["kind"]
    return Column(
        name=node.name,
        type=kind.sql(dialect=DIALECT),
        comment=comment.this.name if comment else "",
    )
