"""Where a dataset's events are, as its YAML says it: simulated, in files, or in a table of a database."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_URL_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_URL")


class Part(BaseModel):
    """A part of a profile: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Simulation(Part):
    """A simulated source: how many users, from which seed, in which world."""

    users: int = Field(gt=0)
    seed: int = Field(ge=0)
    world: Literal["marketplace", "ads", "shoppers"] = "marketplace"


class DatabaseSpec(Part):
    """A table of a database, copied slice by slice in order of its time stamps (docs/datasets.md)."""

    url_variable: str
    """Environment variable with the address as SQLAlchemy writes it; the address itself, with its password, is never written down."""
    table: str = Field(min_length=1)
    """`schema.table`, or `table` in the schema that the login has by itself. What stands before the first dot is the schema."""
    resume_by: str = Field(min_length=1)
    """The time stamp column that orders the slices. Without an index on it each slice scans the table."""
    slice: Literal["hour", "day"] = "day"
    late_hours: int = Field(default=48, ge=0)
    """For how long after the end of a slice rows may still come: until then it is fetched anew by each run."""

    @field_validator("url_variable")
    @classmethod
    def _names_an_address(cls, name: str) -> str:
        if not _URL_VARIABLE.fullmatch(name) or name.startswith("ATTRIBUTION_"):
            raise ValueError(
                "name a variable of the environment that ends with _URL and does not begin with ATTRIBUTION_, such as SHOP_DATABASE_URL"
            )
        return name

    @property
    def schema_and_name(self) -> tuple[str | None, str]:
        """The schema, None where the login's own is meant, and the table's name in it."""
        before, dot, after = self.table.partition(".")
        return (before, after) if dot else (None, before)


class SourceSpec(Part):
    """Where the events are: simulated, a path (file, folder or glob), a table (of the DuckDB file in `path`), or a database's table."""

    simulate: Simulation | None = None
    path: str | None = None
    table: str | None = None
    database: DatabaseSpec | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        for name in ("simulate", "database"):
            others = [other for other in type(self).model_fields if other != name and getattr(self, other) is not None]
            if getattr(self, name) is not None and others:
                raise ValueError(f"{name} stands alone: take out {' and '.join(others)}, or {name}")
        return self


class Extra(Part):
    """A further input, readable in the staging SQL as `raw_<name>`; empty when nothing lies at `path`."""

    path: str
    columns: tuple[str, ...] = Field(min_length=1)
