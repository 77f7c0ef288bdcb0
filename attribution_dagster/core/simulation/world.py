"""The planted truth of the simulated marketplace: every number that decides who converts, in one frozen value.

Conversion is drawn at each event outside the funnel, from the session so far and from nothing else:

    logit h_t = hazard_intercept_logits + sum over events s <= t of value(s)
    value(s)  = weight(position of s) * (effect of its type + effect of its store
                                         + bonus if s completes the interaction with the event just before it)
    weight(p) = floor + (1 - floor) * exp(-(p - 1) / scale),  p = 1, 2, … over events outside the funnel

An event that bears no store has no store effect; a type without effect bears no store, so that it does nothing at all.
The planted effect of an occurrence is the change in this logit when it alone is deleted and every later event keeps its
place: its own value, and for the first of an interacting pair also the bonus that then falls away at the second.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.simulation import event_types as defaults
from attribution_dagster.core.simulation.event_types import Episode, EventType, Intent, Interaction

# Share of visits by hour of the day (midnight first) and by weekday (Monday first).
_HOURS = (
    2.2, 1.2, 0.7, 0.4, 0.4, 0.6, 1.2, 2.2, 3.0, 3.4, 4.0, 5.6,
    6.6, 5.4, 4.0, 3.8, 4.4, 6.4, 8.8, 9.2, 8.2, 7.0, 6.2, 5.1,
)  # fmt: skip
_WEEKDAYS = (0.90, 0.88, 0.92, 1.00, 1.25, 1.15, 1.05)

_MAX_TYPES = 200  # codes of one byte, with room for the funnel
_RANGES: dict[str, tuple[float, float]] = {
    "hazard_intercept_logits": (-12, 2),
    "abandonment_rate": (0, 1),
    "browse_on_rate": (0, 1),
    "position_floor": (0, 1),
    "position_scale_events": (0.1, 10_000),
    "store_effect_sd_logits": (0, 2),
    "length_median_events": (0.5, 200),
    "length_sigma": (0, 2),
    "length_max_events": (1, 400),
    "visits_per_user_week": (0.01, 50),
    "inactivity_minutes": (1, 180),
    "stores": (1, 5_000),
    "products_per_store": (1, 900),
    "sale_products": (1, 900),
    "store_zipf_exponent": (0, 3),
    "catalogue_seed": (0, 2**63),
    "block_users": (1, 10_000),
}


@dataclass(frozen=True, kw_only=True)
class MarketplaceWorld:
    """A marketplace with known truth. The defaults are the documented world; every field is written to `world.json`."""

    event_types: tuple[EventType, ...] = defaults.EVENT_TYPES
    successors: tuple[tuple[str, str, float], ...] = defaults.SUCCESSORS
    intents: tuple[Intent, ...] = defaults.INTENTS
    interaction: Interaction = defaults.INTERACTION
    purchases: tuple[Episode, ...] = defaults.PURCHASES
    abandonments: tuple[Episode, ...] = defaults.ABANDONMENTS
    hazard_intercept_logits: float = -5.3
    abandonment_rate: float = 0.02
    browse_on_rate: float = 0.4
    position_floor: float = 0.2
    position_scale_events: float = 12.0
    store_effect_sd_logits: float = 0.08
    length_median_events: float = 10.2
    length_sigma: float = 0.75
    length_max_events: int = 200
    visits_per_user_week: float = 1.25
    inactivity_minutes: float = 30.0
    hour_weights: tuple[float, ...] = _HOURS
    weekday_weights: tuple[float, ...] = _WEEKDAYS
    stores: int = 60
    products_per_store: int = 40
    sale_products: int = 6
    store_zipf_exponent: float = 0.9
    catalogue_seed: int = 20250106
    block_users: int = 1000

    def __post_init__(self) -> None:
        """Refuse a world that could not be simulated or whose truth would not be what it says."""
        self._check_numbers()
        self._check_names()
        self._check_shares()

    @property
    def event_names(self) -> tuple[str, ...]:
        """Every event type in the order of its code: outside the funnel first, then the funnel, then the conversion."""
        return (*(event.name for event in self.event_types), *defaults.FUNNEL, defaults.CONVERSION)

    def position_weights(self) -> npt.NDArray[np.float64]:
        """Weight of positions 1 to `length_max_events`, shape (length_max_events,)."""
        rank = np.arange(self.length_max_events)
        decayed = np.exp(-rank / self.position_scale_events)
        return np.round(self.position_floor + (1 - self.position_floor) * decayed, 9)

    def _check_numbers(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}={value} is not within {low} to {high}")
        if self.sale_products > self.products_per_store:
            raise ValueError(f"sale_products={self.sale_products} exceeds products_per_store={self.products_per_store}")
        for name, count in (("hour_weights", 24), ("weekday_weights", 7)):
            weights = getattr(self, name)
            usable = len(weights) == count and all(0 <= w < math.inf for w in weights) and sum(weights) > 0
            if not usable:
                raise ValueError(f"{name} must be {count} numbers that are not negative and not all 0, got {weights}")

    def _check_names(self) -> None:
        names = [event.name for event in self.event_types]
        if len(names) > _MAX_TYPES or len(names) < 2:
            raise ValueError(f"a world needs 2 to {_MAX_TYPES} event types, got {len(names)}")
        twice = sorted({name for name in self.event_names if self.event_names.count(name) > 1})
        if twice:
            raise ValueError(f"event types named twice, or like a funnel or conversion event: {twice}")
        used = {name for first, second, _ in self.successors for name in (first, second)}
        used |= {name for intent in self.intents for name in intent.tilt} | {
            self.interaction.first,
            self.interaction.second,
        }
        if used - set(names):
            raise ValueError(f"unknown event types {sorted(used - set(names))}; known: {names}")
        storeless = {event.name for event in self.event_types if not event.bears_store}
        if {self.interaction.first, self.interaction.second} & storeless:
            raise ValueError(f"both events of the interaction must bear a store: {self.interaction}")
        if any(event.is_null and event.bears_store for event in self.event_types):
            raise ValueError("an event type without effect must not bear a store: the store's effect would be its own")
        unknown = {name for episode in self.purchases + self.abandonments for name in episode.events} - set(
            defaults.FUNNEL
        )
        if unknown:
            raise ValueError(
                f"episodes may hold funnel events only ({', '.join(defaults.FUNNEL)}), got {sorted(unknown)}"
            )

    def _check_shares(self) -> None:
        for name in ("intents", "purchases", "abandonments"):
            total = sum(part.share for part in getattr(self, name))
            if not math.isclose(total, 1, abs_tol=1e-6):
                raise ValueError(f"the shares of {name} must sum to 1, got {total:.4f}")
        bad = [(first, second, times) for first, second, times in self.successors if not 0 < times < math.inf]
        if bad:
            raise ValueError(f"successors need positive multiples of chance, got {bad}")
