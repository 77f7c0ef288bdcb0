"""The vocabulary of the simulated marketplace: what can happen in a session, and what each event is worth.

Effects are in logits of the conversion hazard, at position 1. A third of the event types do nothing on purpose.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One thing a person can do outside the purchase funnel.

    `effect_logits` is its planted effect at position 1, `frequency` its weight before intent and habit tilt it,
    `dwell_s` the median time until the next event. `new_store_rate` is the share of its events that turn to another
    store; the others stay with the store at hand. `only_on_sale` types show products on sale only.
    """

    name: str
    effect_logits: float
    frequency: float
    dwell_s: float
    bears_store: bool = False
    bears_product: bool = False
    only_on_sale: bool = False
    new_store_rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a type that could not be drawn or whose columns contradict each other."""
        if not self.name:
            raise ValueError("an event type needs a name")
        if not abs(self.effect_logits) <= 5:
            raise ValueError(f"{self.name}: effect_logits={self.effect_logits} is not within -5 to 5")
        if not 0 < self.frequency < float("inf"):
            raise ValueError(f"{self.name}: frequency={self.frequency} must be a positive number")
        if not 0 < self.dwell_s <= 600:
            raise ValueError(f"{self.name}: dwell_s={self.dwell_s} must be within 0 to 600 seconds")
        if not 0 <= self.new_store_rate <= 1:
            raise ValueError(f"{self.name}: new_store_rate={self.new_store_rate} is not a share")
        if not self.bears_store and (self.bears_product or self.new_store_rate > 0):
            raise ValueError(f"{self.name}: a product or a change of store needs bears_store=True")
        if self.only_on_sale and not self.bears_product:
            raise ValueError(f"{self.name}: only_on_sale=True needs bears_product=True")

    @property
    def is_null(self) -> bool:
        """True if no occurrence of this type changes the odds of converting."""
        return self.effect_logits == 0


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """`first` followed immediately by `second` on the same store is worth `bonus_logits` more than the two alone."""

    first: str
    second: str
    bonus_logits: float
    other_store_rate: float = 0.2

    def __post_init__(self) -> None:
        """Refuse an interaction that could not be told from a single event."""
        if self.first == self.second:
            raise ValueError(f"an interaction needs two different event types, not {self.first} twice")
        if not abs(self.bonus_logits) <= 5:
            raise ValueError(f"bonus_logits={self.bonus_logits} is not within -5 to 5")
        if not 0 <= self.other_store_rate <= 1:
            raise ValueError(f"other_store_rate={self.other_store_rate} is not a share")


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A hidden purpose of a session. It tilts what people do and how long they stay, and never the hazard itself."""

    name: str
    share: float
    tilt: Mapping[str, float] = field(default_factory=dict)
    length_times: float = 1.0

    def __post_init__(self) -> None:
        """Refuse shares and tilts that are not positive."""
        if not 0 < self.share <= 1:
            raise ValueError(f"intent {self.name}: share={self.share} is not within 0 to 1")
        bad = {name: value for name, value in self.tilt.items() if not 0 < value < float("inf")}
        if bad:
            raise ValueError(f"intent {self.name}: tilts must be positive, got {bad}")
        if not 0.05 <= self.length_times <= 20:
            raise ValueError(f"intent {self.name}: length_times={self.length_times} is not within 0.05 to 20")


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A run of funnel events that follows one event of the session, and how often this run is the one."""

    share: float
    events: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse an episode that never happens or holds nothing."""
        if not 0 < self.share <= 1 or not self.events:
            raise ValueError(f"an episode needs a share within 0 to 1 and events, got {self.share}, {self.events}")


INTERACTION = Interaction(first="card_click", second="store_page_load", bonus_logits=0.9)

ADD, REMOVE, CART, CHECKOUT = "action_add_item", "action_remove_item", "cart_page_load", "checkout_page_load"
FUNNEL = (ADD, REMOVE, CART, CHECKOUT)
CONVERSION = "order_placed"

EVENT_TYPES = (
    EventType(
        name="store_impression", effect_logits=-0.25, frequency=20, dwell_s=4, bears_store=True, new_store_rate=1
    ),
    EventType(name="card_click", effect_logits=0.20, frequency=9, dwell_s=5, bears_store=True, new_store_rate=0.35),
    EventType(
        name="store_page_load", effect_logits=0.15, frequency=8, dwell_s=12, bears_store=True, new_store_rate=0.4
    ),
    EventType(name="store_page_exit", effect_logits=-0.45, frequency=7, dwell_s=5, bears_store=True),
    EventType(name="item_view", effect_logits=0.30, frequency=10, dwell_s=14, bears_store=True, bears_product=True),
    EventType(name="review_read", effect_logits=0.50, frequency=4, dwell_s=25, bears_store=True),
    EventType(name="add_favorite", effect_logits=0.75, frequency=2.5, dwell_s=6, bears_store=True),
    EventType(
        name="sale_flag_view",
        effect_logits=0.40,
        frequency=4,
        dwell_s=7,
        bears_store=True,
        bears_product=True,
        only_on_sale=True,
        new_store_rate=0.3,
    ),
    EventType(name="delivery_fee_view", effect_logits=-0.65, frequency=4, dwell_s=8, bears_store=True),
    EventType(name="search", effect_logits=0.20, frequency=8, dwell_s=10),
    EventType(name="app_background", effect_logits=-0.55, frequency=5, dwell_s=120),
    EventType(name="help_open", effect_logits=-0.80, frequency=2.5, dwell_s=40),
    EventType(name="app_foreground", effect_logits=0, frequency=2, dwell_s=4),
    EventType(name="filter_apply", effect_logits=0, frequency=5, dwell_s=8),
    EventType(name="sort_change", effect_logits=0, frequency=3, dwell_s=6),
    EventType(name="banner_view", effect_logits=0, frequency=5, dwell_s=4),
    EventType(name="map_view", effect_logits=0, frequency=2.5, dwell_s=15),
    EventType(name="profile_view", effect_logits=0, frequency=2.5, dwell_s=12),
)

# What follows what, as a multiple of chance.
SUCCESSORS: tuple[tuple[str, str, float], ...] = (
    ("store_impression", "store_impression", 1.6),
    ("store_impression", "card_click", 2.5),
    ("card_click", "store_page_load", 3.5),
    ("store_page_load", "item_view", 2.5),
    ("store_page_load", "delivery_fee_view", 2.0),
    ("store_page_load", "store_page_exit", 1.8),
    ("item_view", "item_view", 1.8),
    ("item_view", "review_read", 1.8),
    ("item_view", "add_favorite", 1.8),
    ("store_page_exit", "store_impression", 2.0),
    ("search", "filter_apply", 2.5),
    ("search", "sort_change", 2.0),
    ("search", "store_impression", 1.6),
    ("app_background", "app_foreground", 22.0),
    ("banner_view", "sale_flag_view", 2.0),
)

INTENTS = (
    Intent(
        name="browsing",
        share=0.40,
        tilt={"store_impression": 1.6, "banner_view": 1.6, "app_background": 1.5, "map_view": 1.4, "review_read": 0.6},
    ),
    Intent(
        name="searching",
        share=0.25,
        tilt={"search": 2.2, "filter_apply": 2.0, "sort_change": 2.0, "store_impression": 0.8, "banner_view": 0.5},
    ),
    Intent(
        name="deals",
        share=0.15,
        tilt={"sale_flag_view": 2.5, "banner_view": 1.8, "delivery_fee_view": 1.8, "sort_change": 1.4},
    ),
    Intent(
        name="decided",
        share=0.20,
        tilt={"item_view": 1.8, "review_read": 1.7, "add_favorite": 1.6, "profile_view": 1.6, "store_impression": 0.6},
    ),
)

PURCHASES = (
    Episode(share=0.86, events=(ADD, CART, CHECKOUT)),
    Episode(share=0.07, events=(ADD, ADD, CART, CHECKOUT)),
    Episode(share=0.04, events=(ADD, REMOVE, ADD, CART, CHECKOUT)),
    Episode(share=0.02, events=(ADD, CHECKOUT)),
    Episode(share=0.01, events=(CART, CHECKOUT)),
)

ABANDONMENTS = (
    Episode(share=0.45, events=(ADD,)),
    Episode(share=0.25, events=(ADD, CART)),
    Episode(share=0.10, events=(ADD, CART, REMOVE)),
    Episode(share=0.10, events=(CART,)),
    Episode(share=0.10, events=(ADD, CART, CHECKOUT)),
)
