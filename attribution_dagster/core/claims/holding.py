"""Where and when an effect holds: the same sign elsewhere, and in each window that the model learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

from attribution_dagster.core.signals import is_significant


@dataclass(frozen=True, kw_only=True)
class Place:
    """The effect at one position bin or store, in logits; q_value None where it has no error."""

    name: str
    effect: float
    q_value: float | None


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Names of the places with enough users: where the effect is significant and of the same sign, of the other, neither."""

    same: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.same) + len(self.opposite) + len(self.unclear)


@dataclass(frozen=True, kw_only=True)
class Stability:
    """In how many windows that the model learnt from, with enough occurrences, a model on that window alone gave the effect the same sign."""

    same: int
    windows: int


def holding(effect: float, places: Sequence[Place]) -> Holding:
    """Return where the effect holds, in the order of `places`."""
    found: dict[str, list[str]] = {"same": [], "opposite": [], "unclear": []}
    for place in places:
        side = "same" if (place.effect > 0) == (effect > 0) else "opposite"
        found[side if is_significant(place.q_value) else "unclear"].append(place.name)
    return Holding(**{name: tuple(names) for name, names in found.items()})
