"""The profile of `kind: sessions`: one row per session, aggregates instead of events."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from attribution_dagster.datasets.one_window import OneWindowProfile
from attribution_dagster.datasets.profile import Name
from attribution_dagster.datasets.source_spec import Part


class Later(Part):
    """Which sessions come later in time: those with these values in a column."""

    column: Name
    values: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)


class SessionTableSpec(Part):
    """What the columns of the staging SQL mean."""

    label: Name
    """Whether the session converted."""
    numbers: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()
    later: Later
    """The sessions that are predicted, from all others."""
    suspected: tuple[Name, ...] = ()
    """Numbers that may know the outcome: every figure is also given without them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the staging SQL gives beyond session_id and user_id, once."""
        return tuple(dict.fromkeys((self.label, *self.numbers, *self.categories, self.later.column)))

    @model_validator(mode="after")
    def _columns_once(self) -> Self:
        named = [*self.numbers, *self.categories, self.label]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice or len(named) == 1:
            raise ValueError(
                f"each feature and the label stand once, and there is a feature; twice: {', '.join(twice) or 'none'}"
            )
        unknown = sorted(set(self.suspected) - set(self.numbers))
        if unknown:
            raise ValueError(f"suspected {', '.join(unknown)} is none of the numbers: name one of them")
        if not set(self.suspected) < {*self.numbers, *self.categories}:
            raise ValueError("every feature is suspected, so that none is left without them: take one out")
        return self


class SessionTableProfile(OneWindowProfile):
    """Sessions as aggregates: conversion is predicted from them, and nothing else can be made of them."""

    kind: Literal["sessions"]  # type: ignore[assignment]
    session_table: SessionTableSpec

    @property
    def staging_sql(self) -> str:
        """Name of the statement that gives one row per session: session_id, user_id, the label, the features, all of them as texts."""
        return f"staging/stg_sessions__{self.staging}"

    @property
    def models(self) -> list[str]:
        """What the model is registered as."""
        return ["conversion_full"]
