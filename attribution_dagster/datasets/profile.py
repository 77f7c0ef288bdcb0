"""A dataset's profile: what its columns and event types mean, its windows, sessions, sampling and variants."""

import re
from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from attribution_dagster.datasets.result_specs import (
    AttributionSpec,
    ConversionSpec,
    EventTypes,
    JourneysSpec,
    TraitsSpec,
    Trust,
)
from attribution_dagster.datasets.source_spec import Extra, Part, SourceSpec

ROLES = ("view", "cart", "remove", "checkout", "conversion", "funnel", "ad")
CATEGORY_COLUMNS = (
    "event_type",
    "discovery_feature",
    "store_id",
    "store_name",
    "primary_tag",
    "primary_category",
    "product_id",
)
NUMBER_COLUMNS = ("event_rank", "time_delta", "is_nv", "price_usd")
_HOURS = {"day": 23, "week": 7 * 24 - 1, "month": 28 * 24 - 1}  # the shortest, with an hour lost to summer time

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


class WindowSpec(Part):
    """Local calendar windows from `start` up to and without `end`; `look_back` of them train a model."""

    length: Literal["day", "week", "month"]
    start: date
    end: date | None = None
    look_back: int = Field(ge=1)
    retrain_every: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _on_boundaries(self) -> Self:
        for name, day in (("start", self.start), ("end", self.end)):
            if day is not None and self.length == "week" and day.weekday() != 0:
                raise ValueError(f"{name} {day} is a {day:%A}: a weekly window begins on a Monday")
            if day is not None and self.length == "month" and day.day != 1:
                raise ValueError(f"{name} {day}: a monthly window begins on the 1st")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}")
        return self


class SessionSpec(Part):
    """When a session ends, how long it may be, and what is a bot."""

    inactivity_minutes: int = Field(default=30, ge=1, le=24 * 60)
    max_hours: int = Field(default=12, ge=1)
    bot_max_events: int = Field(default=1000, ge=1)
    bot_max_events_per_minute: int = Field(default=120, ge=1)


class ScheduleSpec(Part):
    """When a window is made: so many hours after its last midnight, when late events have come."""

    delay_hours: int = Field(default=3, ge=0)


class Quality(Part):
    """How much bad input is too much, and the bands that a window is expected to keep (docs/quality.md)."""

    max_rejected_share: float = Field(default=0.02, ge=0, le=1)
    volume_band: tuple[float, float] = (0.5, 2.0)
    """Sessions of a window as a multiple of the median of the windows it is compared with."""
    conversion_rate_tolerance: float = Field(default=0.25, gt=0)
    """Relative change of the conversion rate up to which even a significant one is let pass."""
    max_new_types_share: float = Field(default=0.01, ge=0, le=1)
    """Share of the events whose type has no role and was not seen in the windows before."""
    max_auc: float = Field(default=0.9, gt=0.5, le=1)
    """AUC above which a variant without funnel events is suspected of leakage."""
    max_calibration_error: float = Field(default=0.1, gt=0, le=1)
    min_converted: int = Field(default=30, ge=1)
    """Converted sessions of the risk set below which a window is said to hold too few."""
    max_effect_change: float = Field(default=0.1, gt=0)
    """Change of an event type's mean effect, in logits, up to which even a significant one is not drift."""
    max_population_stability: float = Field(default=0.2, gt=0)
    max_auc_fall: float = Field(default=0.05, gt=0)

    @field_validator("volume_band")
    @classmethod
    def _around_one(cls, band: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= band[0] < 1 < band[1]:
            raise ValueError("give the lower end below 1 and the upper end above it, such as [0.5, 2]")
        return band


class Roles(Part):
    """Event types by role. `conversion` ends what a model may see; `funnel` is what a variant may drop."""

    view: EventTypes = ()
    cart: EventTypes = ()
    remove: EventTypes = ()
    checkout: EventTypes = ()
    conversion: EventTypes = Field(min_length=1)
    funnel: EventTypes = ()
    ad: EventTypes = ()

    @model_validator(mode="after")
    def _funnel_comes_before(self) -> Self:
        both = sorted(set(self.funnel) & set(self.conversion))
        if both:
            raise ValueError(f"{', '.join(both)} cannot be both conversion and funnel: leave it in conversion")
        return self

    def event_types(self) -> dict[str, dict[str, bool]]:
        """Event type -> {role: does it have it}, for every event type that has a role, by name."""
        members = {role: set(getattr(self, role)) for role in ROLES}
        return {
            event_type: {role: event_type in members[role] for role in ROLES}
            for event_type in sorted(set().union(*members.values()))
        }


class Sampling(Part):
    """How many users of a window enter the sequences, and the salt that picks them."""

    users: int = Field(default=10_000, ge=1)
    salt: str = "attribution"


class RiskSetSpec(Part):
    """How sessions without a conversion are cut so that length does not give the label away."""

    cut: Literal["matched", "none"] = "matched"
    controls_per_case: int = Field(default=8, ge=1)


class ModelColumns(Part):
    """What a model reads of each event, and how many of the last events of a session."""

    categories: tuple[str, ...] = ("event_type", *CATEGORY_COLUMNS[1:-1])
    numbers: tuple[str, ...] = ("event_rank", "time_delta", "is_nv")
    max_events: int = Field(default=200, ge=1)

    @field_validator("categories")
    @classmethod
    def _known_categories(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if "event_type" not in names:
            raise ValueError("event_type is missing: add it, it is what is explained")
        return _known(names, CATEGORY_COLUMNS, "category")

    @field_validator("numbers")
    @classmethod
    def _known_numbers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _known(names, NUMBER_COLUMNS, "number")


class Variant(Part):
    """Which events a model may see: funnel events are dropped, kept, or end the sequence."""

    funnel: Literal["drop", "keep", "stop"]

    @property
    def leaks(self) -> bool:
        """Whether the model sees funnel events, which all but announce the conversion."""
        return self.funnel == "keep"


class Retention(Part):
    """How long things are kept: files that nothing points to, the latest published windows, MLflow runs. None: for ever."""

    superseded_hours: float = Field(default=24, ge=0)
    windows: int | None = Field(default=None, ge=1)
    mlflow_days: float | None = Field(default=None, ge=0)


class Profile(Part):
    """One dataset, as its YAML describes it; refuses what cannot work by name."""

    kind: Literal["events"] = "events"
    name: Name
    title: str = Field(min_length=1)
    simulated: bool = False
    staging: Name  # sql/staging/stg_events__<staging>.sql; the dataset's own name unless the profile extends another
    source: SourceSpec | None = None
    extras: dict[Name, Extra] = Field(default={})
    optional_columns: tuple[str, ...] = ()  # of the source; read as NULL where a file lacks them
    time_zone: str
    windows: WindowSpec
    schedule: ScheduleSpec | None = None  # without one the schedule exists, and stays off until somebody turns it on
    sessions: SessionSpec = SessionSpec()
    quality: Quality = Quality()
    roles: Roles
    sampling: Sampling = Sampling()
    risk_set: RiskSetSpec = RiskSetSpec()
    model: ModelColumns = ModelColumns()
    variants: dict[str, Variant] = Field(default={})
    journeys: JourneysSpec | None = None
    traits: TraitsSpec | None = None
    training: dict[str, int | float | str | bool] = Field(default={})
    attribution: AttributionSpec = AttributionSpec()
    trust: Trust = Trust()
    conversion: ConversionSpec = ConversionSpec()
    retention: Retention = Retention()

    @property
    def staging_sql(self) -> str:
        """Name of the statement that gives the canonical events."""
        return f"staging/stg_events__{self.staging}"

    @property
    def claiming(self) -> list[str]:
        """The variants whose effects may be claimed: those that do not see the funnel."""
        return [name for name, variant in self.variants.items() if not variant.leaks]

    @property
    def models(self) -> list[str]:
        """What models are registered as: a variant's by its name, those of conversion by their feature set."""
        return [*self.variants, "conversion_full", "conversion_early"]

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone: write one such as UTC or Asia/Shanghai") from error
        return name

    @field_validator("variants")
    @classmethod
    def _variant_names(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name in variants:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
                raise ValueError(f"variant {name!r}: use lower-case letters, digits and _, a letter first")
        return variants

    @model_validator(mode="after")
    def _explains_something(self) -> Self:
        if self.kind == "events" and not self.variants and self.journeys is None:
            raise ValueError(
                "variants is empty: name one, such as no_funnel: {funnel: drop}, or say in journeys which events are ads"
            )
        return self

    @model_validator(mode="after")
    def _traits_have_sessions(self) -> Self:
        if self.traits is not None and not self.variants:
            raise ValueError(
                "traits are made from sessions, which a dataset without variants has not: write traits: null"
            )
        return self

    @model_validator(mode="after")
    def _sessions_fit_windows(self) -> Self:
        longest = _HOURS[self.windows.length]
        if self.schedule is not None and self.schedule.delay_hours > longest:
            raise ValueError(
                f"schedule.delay_hours {self.schedule.delay_hours} is longer than a {self.windows.length}: lower it"
            )
        if self.sessions.max_hours > longest:
            raise ValueError(
                f"sessions.max_hours {self.sessions.max_hours} is longer than a {self.windows.length} can be "
                f"({longest} h): lower it or use longer windows"
            )
        if self.conversion.early_minutes >= self.sessions.inactivity_minutes:
            raise ValueError(
                f"conversion.early_minutes {self.conversion.early_minutes:g} is not below sessions.inactivity_minutes "
                f"{self.sessions.inactivity_minutes}: by then it would be known that a session is over. Lower it"
            )
        return self


def _known(names: tuple[str, ...], allowed: tuple[str, ...], kind: str) -> tuple[str, ...]:
    for name in names:
        if name not in allowed:
            raise ValueError(f"{name!r} is no {kind} column: choose from {', '.join(allowed)}")
    if len(set(names)) != len(names):
        raise ValueError(f"{', '.join(names)}: a column is named twice")
    return names
