"""How what is made of a dataset's sessions is made: attribution, trust report, conversion, journeys, traits."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from attribution_dagster.datasets.source_spec import Part

EventTypes = tuple[Annotated[str, Field(min_length=1)], ...]


class AttributionSpec(Part):
    """The method that explains all sessions, and how many sessions all methods are compared on (fewer if they are long)."""

    method: str = "gradient_x_input"
    compared_sessions: int = Field(default=200, ge=1)


class Trust(Part):
    """How much the trust report may cost: sessions looked at, and models trained for comparison (docs/trust.md)."""

    sessions: int = Field(default=1500, ge=1)
    """Sessions whose effects under those models are compared."""
    curve_sessions: int = Field(default=120, ge=1)
    """Sessions whose events are deleted bit by bit."""
    halves: int = Field(default=6, ge=1)
    """Pairs of models, each on half of the training users; one pair where the variant leaks."""
    permutations: int = Field(default=2, ge=1)
    """Models on labels dealt at random; one where the variant leaks."""
    epochs: int = Field(default=1, ge=0)
    """The most epochs that these models are trained for; 0: their additive parts alone."""


class ConversionSpec(Part):
    """When conversion is predicted, from how much history, by how much tuning (docs/conversion.md)."""

    early_events: int = Field(default=5, ge=1)
    early_minutes: float = Field(default=5, gt=0)
    """The `early` prediction is made at this event, or after so many minutes where fewer come."""
    history_days: int = Field(default=28, ge=0)
    """How far before its window the user history of a session reaches."""
    trials: int = Field(default=3, ge=1)
    """Parameters tried for each model, the defaults first."""
    trees: int | None = Field(default=None, ge=1)
    """Trees of each boosted model, in place of what its candidates say."""
    targeted_share: float = Field(default=0.1, gt=0, le=1)
    """Share of the sessions, those with the highest probabilities, that get their reasons in the table."""
    order_value_usd: float = Field(default=50, gt=0)
    recoverable_share: tuple[float, float, float] = (0.05, 0.1, 0.15)
    """Of abandoned sessions, the share that could be won back: low, expected, high. An assumption, not measured."""

    @field_validator("recoverable_share")
    @classmethod
    def _in_order(cls, share: tuple[float, float, float]) -> tuple[float, float, float]:
        if not 0 <= share[0] <= share[1] <= share[2] <= 1:
            raise ValueError("give three shares from 0 to 1, low to high, such as [0.05, 0.1, 0.15]")
        return share


class JourneysSpec(Part):
    """Which events are ads, and how journeys are made of them (docs/journeys.md). Where it is given, the dataset has journeys."""

    impression: str = Field(min_length=1)
    click: str = Field(min_length=1)
    campaign: Literal["primary_tag", "discovery_feature", "store_id", "ad_id"] = "primary_tag"
    """Column of the ad events that names the campaign."""
    ad_type: Literal["primary_tag", "discovery_feature", "primary_category"] = "discovery_feature"
    auctions: bool = False
    """Whether `sql/staging/ad_auctions__<staging>.sql` says who took part in which auction, won and lost."""
    look_back_days: int = Field(default=7, ge=1)
    min_history_events: int = Field(default=1, ge=1)
    negative_control: str | None = None
    """A campaign that is known to do nothing; its effect must come out null."""
    members: int = Field(default=6, ge=0)
    """Models trained on users drawn anew, for the intervals."""
    max_unserved_share: float = Field(default=0.05, ge=0, le=1)
    """Share of auctions won without an impression, or of impressions without one, up to which logs are believed."""
    training: dict[str, int | float | bool] = Field(default={})


class TraitsSpec(Part):
    """What customer traits are made from, and how (docs/traits.md). Where it is given, the dataset has traits."""

    item: Literal["product_id", "primary_category", "store_id"] = "product_id"
    """Column of the item in a token; a coarser one where items are too sparse."""
    sale: EventTypes = ()
    """Event types that show a sale: evidence for a bargain hunter, beside low prices."""
    dimensions: int = Field(default=64, ge=2)
    min_count: int = Field(default=5, ge=1)
    searched: int = Field(default=3, ge=1)
    """Profiles of item2vec that are tried, the usual one first."""
    half_life_days: float = Field(default=14, gt=0)
    """Age at which an event counts half for pooling by recency."""
    numbers: tuple[int, ...] = (4, 8, 16)
    """Numbers of traits among which held-out reconstruction chooses, unless `traits` fixes it."""
    traits: int | None = Field(default=None, ge=2)
    similar: int = Field(default=10, ge=1)
    recommended: int = Field(default=10, ge=1)
    min_similarity: float = Field(default=0.5, ge=0, le=1)
    """Cosine of what two traits load on from which they are the same trait in successive windows."""

    @field_validator("numbers")
    @classmethod
    def _ascending(cls, numbers: tuple[int, ...]) -> tuple[int, ...]:
        if not numbers or list(numbers) != sorted(set(numbers)) or numbers[0] < 2:
            raise ValueError("give numbers of traits from 2 on, ascending, such as [4, 8, 16]")
        return numbers
