"""Datasets without events: a table whose rows have no time of their own that matters, so the period they are of is the only window."""

from typing import Literal, Self

from pydantic import Field, model_validator

from attribution_dagster.datasets.profile import Profile, Roles, Variant, WindowSpec
from attribution_dagster.datasets.windows import next_boundary


class Period(WindowSpec):
    """The calendar window that the rows are of: the only one of the dataset, and nothing is learnt from before it."""

    look_back: Literal[0] = 0


class OneWindowProfile(Profile):
    """A dataset without events, so without sessions, roles or variants."""

    time_zone: str = "UTC"
    windows: Period
    roles: Roles = Roles(conversion=("outcome",))
    variants: dict[str, Variant] = Field(default_factory=dict, max_length=0)

    @model_validator(mode="after")
    def _one_window(self) -> Self:
        expected = next_boundary(self.windows.start, self.windows.length)
        if self.windows.end != expected:
            raise ValueError(
                f"a dataset of kind {self.kind} is one window: set windows.end to {expected}, or choose another length"
            )
        return self
