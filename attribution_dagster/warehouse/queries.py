"""Finds, renders and checks the statements in `sql/`; knows which tables and parameters each one has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from attribution_dagster.errors import ConfigurationError

DIALECT = "snowflake"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,120}")
_BRACES = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Query:
    """One statement in Snowflake's dialect: the tables it reads and the parameters (`:name`) it wants."""

    name: str
    text: str
    tables: frozenset[str]
    parameters: frozenset[str]

    def check(self, parameters: Mapping[str, object]) -> None:
        """Raise ConfigurationError unless exactly the statement's parameters are given."""
        missing, unknown = self.parameters - set(parameters), set(parameters) - self.parameters
        if missing or unknown:
            wrong = [f"lacks {', '.join(sorted(missing))}"] if missing else []
            wrong += [f"has no {', '.join(sorted(unknown))}"] if unknown else []
            raise ConfigurationError(
                f"query {self.name} {' and '.join(wrong)}. Parameters: {', '.join(sorted(self.parameters)) or 'none'}."
            )


def sql_folder() -> Path:
    """The folder of SQL files: beside the package in a checkout, inside it when installed from a wheel.

    Raises ConfigurationError when there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "sql", package / "sql"):
        if (folder / "ddl").is_dir():
            return folder
    raise ConfigurationError(
        f"no SQL files in {package.parent / 'sql'} nor {package / 'sql'}: install the package again"
    )


def load_query(
    name: str, variant: str | None = None, folders: Sequence[Path] = (), common: Query | None = None
) -> Query:
    """The statement in `sql/<name>.sql`, with `{variant}` filled in, and `{common_tables}` by what `common` has in its WITH.

    `folders` are looked through first, for `<last part of name>.sql`: a user's own staging SQL.

    Raises ConfigurationError when there is no such file, it does not parse, or what is in braces is left open or refused.
    """
    if not folders:
        return _own_query(name, variant, common)
    return _read_query(name, variant, [Path(folder) / f"{Path(name).name}.sql" for folder in folders], common)


@lru_cache(maxsize=1024)
def _own_query(name: str, variant: str | None, common: Query | None) -> Query:
    """One of the package's: the checks of a window ask for the same few hundred thousands of times."""
    return _read_query(name, variant, [], common)


def _read_query(name: str, variant: str | None, candidates: Sequence[Path], common: Query | None) -> Query:
    values = {} if variant is None else {"variant": identifier(variant)}
    if common is not None:
        values["common_tables"] = common_tables(common)
    for path in (*candidates, sql_folder() / f"{name}.sql"):
        if path.is_file():
            return parse_query(name, _filled(path.read_text(encoding="utf-8"), path, values))
    raise ConfigurationError(f"there is no SQL for {name}: expected {' or '.join(map(str, [*candidates, path]))}.")


@lru_cache(maxsize=512)
def parse_query(name: str, text: str) -> Query:
    """The query with this text. Raises ConfigurationError unless it is exactly one statement that parses."""
    tree = _parsed(name, text)
    return Query(
        name=name,
        text=text,
        tables=frozenset(_tables(tree)),
        parameters=frozenset(node.name for node in tree.find_all(exp.Placeholder) if node.name),
    )


@lru_cache(maxsize=512)
def common_tables(query: Query) -> str:
    """What stands between the statement's WITH and its outer SELECT, for another statement to build on."""
    tree = _parsed(query.name, query.text)
    ctes = tree.ctes if isinstance(tree, exp.Query) else []
    return ",\n\n".join(cte.sql(dialect=DIALECT, pretty=True) for cte in ctes)


@lru_cache(maxsize=512)
def column_of(query: Query, relation: str, column: str) -> Query:
    """The statement that selects a column of what another one reads: of a table in its WITH, or of the window's rows of a stored table.

    Raises ConfigurationError when the other one reads no such table.
    """
    tree = _parsed(query.name, query.text)
    ctes = tree.ctes if isinstance(tree, exp.Query) else []
    names = [cte.alias for cte in ctes]
    selected = exp.select(column).from_(relation)
    if relation in names:
        for cte in ctes[: names.index(relation) + 1]:
            selected = selected.with_(cte.alias, as_=cte.this)
    elif relation in query.tables:
        selected = selected.where("window_start = :window_start", dialect=DIALECT)
    else:
        raise ConfigurationError(
            f"query {query.name} reads no {relation}. It reads: {', '.join((*names, *sorted(query.tables)))}."
        )
    return parse_query(f"{query.name}, {relation}", selected.sql(dialect=DIALECT))


@lru_cache(maxsize=512)
def transpile(query: Query, dialect: str) -> str:
    """The statement in another engine's dialect, with the same parameters."""
    return _parsed(query.name, query.text).sql(dialect=dialect)


def narrowed(query: Query, dialect: str, conditions: Mapping[str, str]) -> str:
    """The statement in another engine's dialect, reading of each of these tables only the rows that the condition, of that dialect, holds for."""

    def fewer(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Table) or node.name not in conditions:
            return node
        rows = exp.select("*").from_(node.name).where(conditions[node.name], dialect=dialect)
        return rows.subquery(node.alias_or_name)

    return _parsed(query.name, query.text).transform(fewer).sql(dialect=dialect)


def with_values(query: Query, dialect: str, values: Mapping[str, object]) -> str:
    """The statement in another engine's dialect, laid out for people, with the values in place of the parameters."""

    def filled(node: exp.Expression) -> exp.Expression:
        is_parameter = isinstance(node, exp.Placeholder) and node.name in values
        return exp.convert(values[node.name]) if is_parameter else node

    return _parsed(query.name, query.text).transform(filled).sql(dialect=dialect, pretty=True)


def is_select(query: Query) -> bool:
    """Whether the statement only reads."""
    return isinstance(_parsed(query.name, query.text), exp.Query)


def columns_read(query: Query, table: str) -> frozenset[str]:
    """The columns of `table` that the statement reads.

    Only exact where columns are written `table.column`, or no other table is read in the same SELECT: staging SQL is
    written so.
    """
    found: set[str] = set()
    for select in _parsed(query.name, query.text).find_all(exp.Select):
        sources = {node.alias_or_name: node.name for node in _sources(select)}
        if table not in sources.values():
            continue
        for column in select.find_all(exp.Column):
            is_named = sources.get(column.table) == table if column.table else len(sources) == 1
            if is_named and column.find_ancestor(exp.Select) is select:
                found.add(column.name)
    return frozenset(found)


def traced(query: Query, column: str, table: str, dialect: str) -> str | None:
    """The expression over columns of `table` that the statement's column is made of, where it reads the table; None where that can't be told."""
    tree = _parsed(query.name, query.text)
    ctes = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}

    def origin(select: exp.Expression, name: str) -> exp.Expression:
        made = next(each for each in select.expressions if each.alias_or_name == name)
        sources = {node.alias_or_name: node.name for node in _sources(select)}

        def replaced(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Column):
                return node
            source = sources[node.table] if node.table else next(iter(sources.values()))
            return exp.column(node.name) if source == table else exp.paren(origin(ctes[source], node.name))

        return made.unalias().copy().transform(replaced)

    for branch in _branches(tree):
        if table in _read(branch, ctes):
            try:
                return origin(branch, column).sql(dialect=dialect)
            except (KeyError, StopIteration):
                return None
    return None


def _branches(tree: exp.Expression) -> Iterator[exp.Expression]:
    """The SELECTs that a statement unites; of one without UNION, itself."""
    if isinstance(tree, exp.Union):
        yield from _branches(tree.this)
        yield from _branches(tree.expression)
    else:
        yield tree


def _read(select: exp.Expression, ctes: Mapping[str, exp.Expression]) -> set[str]:
    """The tables that a SELECT reads, also through what stands in its WITH."""
    names = {node.name for node in select.find_all(exp.Table)}
    return names.union(*(_read(ctes[name], ctes) for name in names if name in ctes))


def identifier(value: str) -> str:
    """The value itself when it is safe to write into SQL: lower-case letters, digits and _, a letter first.

    Raises ConfigurationError otherwise.
    """
    if not _IDENTIFIER.fullmatch(value):
        raise ConfigurationError(f"{value!r} can't name a table: use lower-case letters, digits and _, a letter first")
    return value


def quoted(name: str, dialect: str = "duckdb") -> str:
    """A column or schema name from outside, as a quoted identifier."""
    mark = "`" if dialect == "spark" else '"'
    return mark + name.replace(mark, 2 * mark) + mark


def literal(text: str) -> str:
    """A text from outside, as a quoted SQL string: for the few places that take no bound parameter."""
    return "'" + text.replace("'", "''") + "'"


def _filled(text: str, path: Path, values: Mapping[str, str]) -> str:
    for name in set(_BRACES.findall(text)) - set(values):
        given = ", ".join(f"{{{each}}}" for each in values) or "nothing"
        raise ConfigurationError(f"{path}: {{{name}}} has no value. Here {given} is filled in.")
    return _BRACES.sub(lambda match: values[match.group(1)], text)


@lru_cache(maxsize=64)
def _parsed(name: str, text: str) -> exp.Expression:
    """The statement's tree, which nobody changes: it is wanted again soon, when the statement is transpiled."""
    try:
        statements = [tree for tree in sqlglot.parse(text, read=DIALECT) if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise ConfigurationError(f"query {name} does not parse as Snowflake SQL: {error}") from None
    if len(statements) != 1:
        raise ConfigurationError(f"query {name} holds {len(statements)} statements. Write one in each file.")
    return statements[0]


def _tables(tree: exp.Expression) -> set[str]:
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    # Unquoted identifiers are case-insensitive, and every table here has a lower-case name.
    return {node.name.lower() for node in tree.find_all(exp.Table)} - {name.lower() for name in defined}


def _sources(select: exp.Select) -> list[exp.Expression]:
    nodes = [select.args.get("from_") or select.args.get("from"), *select.args.get("joins", [])]
    return [node.this for node in nodes if node is not None]
