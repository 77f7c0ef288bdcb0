"""How uplift is learnt and what a contact costs, as a profile says it."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from attribution_dagster.core.uplift.base_models import BASE_MODELS
from attribution_dagster.core.uplift.learners import LEARNERS


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UpliftSpec(_Part):
    """Which learners are compared, on which base model, and which of them scores: chosen beforehand, not because it won."""

    learners: tuple[str, ...] = tuple(LEARNERS)
    base_model: str = "linear"
    used: str = "t"
    folds: int = Field(default=5, ge=2, le=20)
    splits: int = Field(default=20, ge=2)
    """Random splits behind the out-of-sample figures."""
    resamples: int = Field(default=20, ge=2)
    """Models per fold behind a unit's interval."""
    replicates: int = Field(default=200, ge=20)
    """Bootstrap samples of the units behind the intervals of figures."""
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = sorted({*self.learners, self.used} - set(LEARNERS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no learner: choose from {', '.join(LEARNERS)}")
        if self.used not in self.learners:
            raise ValueError(f"used: {self.used} is not among the learners: add it")
        if self.base_model not in BASE_MODELS:
            raise ValueError(f"{self.base_model!r} is no base model: choose from {', '.join(BASE_MODELS)}")
        return self


class DecisionSpec(_Part):
    """What a contact, an incentive and an order are worth. The launchpad of `roi_simulation` starts from these."""

    contact_cost_usd: float = Field(default=5.0, ge=0)
    incentive_usd: float = Field(default=0.0, ge=0)
    redeeming_share: float = Field(default=1.0, ge=0, le=1)
    order_value_usd: float = Field(default=50.0, ge=0)
    population: int | None = Field(default=None, ge=1)
    """Units that will be decided on; as many as in the experiment if not given."""
