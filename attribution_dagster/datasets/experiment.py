"""The profile of `kind: experiment`: units, the arm each was assigned to, what came of them, and what was known before."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from attribution_dagster.datasets.one_window import OneWindowProfile
from attribution_dagster.datasets.profile import Name
from attribution_dagster.datasets.uplift import DecisionSpec, UpliftSpec

Arm = Annotated[str, Field(min_length=1)]


class ExperimentSpec(BaseModel):
    """What the columns of the staging SQL mean. Covariates were known before the assignment; outcomes are 0 or 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arms: dict[Arm, Annotated[float, Field(gt=0)]] = Field(min_length=2)
    """Arm -> planned share of the units, in any unit."""
    control: Arm
    treatment: Arm
    """The arm that uplift is learnt of; effects are told of all."""
    outcomes: tuple[Name, ...] = Field(min_length=1)
    uplift_on: Name
    """The outcome that uplift is learnt on."""
    converts: Name
    """The outcome that earns an order's value."""
    numbers: tuple[Name, ...] = ()
    categories: tuple[Name, ...] = ()

    truth: Name | None = None
    """Column of the true effect on `uplift_on`, where the treatment was simulated."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for role in ("control", "treatment"):
            if getattr(self, role) not in self.arms:
                raise ValueError(f"{role} {getattr(self, role)!r} is none of the arms {', '.join(self.arms)}")
        if self.control == self.treatment:
            raise ValueError(f"control and treatment are both {self.control!r}: name two arms")
        for role in ("uplift_on", "converts"):
            if getattr(self, role) not in self.outcomes:
                raise ValueError(f"{role} {getattr(self, role)!r} is none of the outcomes {', '.join(self.outcomes)}")
        if not (self.numbers or self.categories):
            raise ValueError(
                "numbers and categories are both empty: name what was known of a unit before the assignment"
            )
        names = (*self.numbers, *self.categories, *self.outcomes)
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}: a column is named twice")
        return self


class ExperimentProfile(OneWindowProfile):
    """A randomised experiment as a dataset; its window is the period of the assignment."""

    kind: Literal["experiment"]  # type: ignore[assignment]
    experiment: ExperimentSpec
    uplift: UpliftSpec = UpliftSpec()
    decision: DecisionSpec = DecisionSpec()

    @property
    def staging_sql(self) -> str:
        """Name of the statement that gives one row per unit: unit_id, user_id, arm, the outcomes, revenue_usd, the covariates."""
        return f"staging/stg_experiment__{self.staging}"

    @model_validator(mode="after")
    def _truth_is_drawn(self) -> Self:
        if self.experiment.truth is not None and not self.simulated:
            raise ValueError("experiment.truth is known of a simulated treatment only: set simulated, or take it out")
        return self
