"""Datasets of `kind: sessions`: one row per session, aggregates instead of events; one YAML each, without windows."""

from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pyarrow import csv
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from attribution_dagster.errors import ConfigurationError, SourceError

BUILT_IN = Path(__file__).parent
Column = str


class Later(BaseModel):
    """Which rows come later in time: those with these values in a column."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    column: Column
    values: tuple[str, ...] = Field(min_length=1)


class SessionTableProfile(BaseModel):
    """What the columns of a table of sessions mean. `suspected`: features that may know the outcome, to be left out for comparison."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["sessions"]
    name: str
    title: str
    label: Column
    numbers: tuple[Column, ...] = ()
    categories: tuple[Column, ...] = ()
    later: Later
    suspected: tuple[Column, ...] = ()

    @property
    def features(self) -> tuple[Column, ...]:
        """Numbers, then categories."""
        return (*self.numbers, *self.categories)

    @model_validator(mode="after")
    def _columns_once(self) -> Self:
        named = [*self.features, self.label]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice or not self.features:
            raise ValueError(
                f"each feature and the label stand once, and there is a feature; twice: {', '.join(twice)}"
            )
        unknown = sorted(set(self.suspected) - set(self.features))
        if unknown:
            raise ValueError(f"suspected {', '.join(unknown)} is no feature: name one of numbers or categories")
        return self


def load_session_table_profile(name: str, folders: tuple[Path, ...] = ()) -> SessionTableProfile:
    """The profile in `<name>.yaml`. ConfigurationError names the file and what is wrong with it."""
    candidates = [Path(folder) / f"{name}.yaml" for folder in (*folders, BUILT_IN)]
    path = next((each for each in candidates if each.is_file()), None)
    if path is None:
        raise ConfigurationError(
            f"no table of sessions is called {name!r}: expected {' or '.join(map(str, candidates))}"
        )
    try:
        return SessionTableProfile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def read_session_table(profile: SessionTableProfile, path: Path) -> pa.Table:
    """The table's features and label: numbers as doubles, categories as texts, the label as 0 and 1.

    Raises SourceError for a file that can't be read, a column that lacks, a value that is no number, a label of another kind.
    """
    wanted = (*profile.features, profile.label)
    try:
        kinds = {name: pa.string() for name in wanted}
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=kinds))
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"{path} can't be read as CSV: {error}") from error
    lacking = [name for name in wanted if name not in table.column_names]
    if lacking:
        raise SourceError(f"{path} lacks the column {', '.join(lacking)}: correct the profile of {profile.name}")
    columns = {name: _number(table[name], name, path) for name in profile.numbers}
    columns |= {name: table[name] for name in profile.categories}
    label = _number(table[profile.label], profile.label, path)
    if not set(pc.unique(label).to_pylist()) <= {0.0, 1.0}:
        raise SourceError(
            f"{path}: column {profile.label} is the label and holds other values than true and false, or 1 and 0"
        )
    return pa.table({**columns, profile.label: label})


def _number(column: pa.ChunkedArray, name: str, path: Path) -> pa.ChunkedArray:
    """Texts as doubles; true and false are 1 and 0, an empty cell is missing."""
    lower = pc.utf8_lower(column)
    text = pc.if_else(pc.equal(lower, "true"), "1", pc.if_else(pc.equal(lower, "false"), "0", column))
    try:
        return pc.if_else(pc.equal(text, ""), None, text).cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise SourceError(f"{path}: column {name} holds what is no number: {error}") from None
