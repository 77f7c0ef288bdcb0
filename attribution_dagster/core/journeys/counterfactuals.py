"""What a journey's probability of a purchase would be had some of its ads not been shown.

A group of events is removed together: an impression with its click, all ads of a campaign, or all ads. `masked`: they add nothing, and
all others keep their ranks and gaps. `dropped`: as if they had never happened, with ranks and gaps recomputed. A journey without
ads that remain has the base rate, given its context. Effects are signed, and not clipped: an ad may put people off.

All copies of a batch, the journey itself and one for each group, go through the model in one forward pass.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from attribution_dagster.core.journeys.journeys import CATEGORIES, EncodedJourneys, JourneyBatch
from attribution_dagster.core.journeys.lstm import JourneyModel
from attribution_dagster.core.journeys.training import all_batches

TOKEN_BUDGET = 32_768
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
Removal = Callable[[JourneyModel, JourneyBatch, torch.Tensor], JourneyBatch]


def masked(model: JourneyModel, batch: JourneyBatch, removed: torch.Tensor) -> JourneyBatch:
    """Return the batch with the events of `removed` (B, T) passed over, all others as they were."""
    return replace(batch, is_event=batch.is_event & ~removed)


def dropped(model: JourneyModel, batch: JourneyBatch, removed: torch.Tensor) -> JourneyBatch:
    """Return the batch as if the events of `removed` (B, T) had never happened."""
    return cast(JourneyBatch, model.drop(batch, removed))


REMOVALS: dict[str, Removal] = {"masked": masked, "dropped": dropped}
"""By name. To add one: a function here, and a line."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Effects:
    """G removals: journey (G,) it was in, group (G,) that was removed, effect (G,) = P(with it) - P(without it).

    with_all, without_any: (S,) probabilities of the journeys as they were, and without any ad. per_second: copies scored a second.
    """

    journey: _Ints
    group: _Ints
    effect: _Floats
    with_all: _Floats
    without_any: _Floats
    per_second: float

    @property
    def total(self) -> _Floats:
        """What all ads together added to each journey, (S,)."""
        return self.with_all - self.without_any


def group_by_campaign(batch: JourneyBatch) -> torch.Tensor:
    """Return the campaign's id of each event, (B, T); 0 at padding."""
    return batch.codes[:, :, CATEGORIES.index("campaign_id")] * batch.is_event


def group_by_impression(batch: JourneyBatch) -> torch.Tensor:
    """Return the number of each event's impression, (B, T); 0 at padding. A click has its impression's."""
    return batch.exposure * batch.is_event


def remove_each(
    model: JourneyModel,
    data: EncodedJourneys,
    groups: Callable[[JourneyBatch], torch.Tensor],
    removal: str = "dropped",
    token_budget: int = TOKEN_BUDGET,
) -> Effects:
    """Return what each group of each journey adds, leaving out one group at a time, and all of them.

    Effects of groups that stand in for each other don't add up to `total`: see `shapley.py`.

    Raises ValueError for an unknown removal.
    """
    if removal not in REMOVALS:
        raise ValueError(f"removal={removal!r} is not one of {sorted(REMOVALS)}")
    n, began, copies = len(data.lengths), time.perf_counter(), 0
    with_all, without = np.zeros(n), np.zeros(n)
    found: list[tuple[_Ints, _Ints, _Floats]] = []
    # A journey of n events makes up to n + 1 copies of n cells.
    for rows in all_batches(data.lengths * (data.lengths + 1), token_budget):
        batch = data.batch(rows)
        copied, group = _copies(groups(batch))
        chosen = batch.take(copied)
        of_event = groups(chosen)
        removed = chosen.is_event & ((of_event == group[:, None]) | (group == _ALL)[:, None])
        probability = score(model, REMOVALS[removal](model, chosen, removed))
        whole = group.numpy() == _NOTHING
        with_all[rows] = probability[whole]
        none = group.numpy() == _ALL
        without[rows[copied.numpy()[none]]] = probability[none]
        one = group.numpy() > 0
        journey = rows[copied.numpy()[one]]
        found.append((journey, group.numpy()[one], with_all[journey] - probability[one]))
        copies += len(probability)
    parts = zip(*found, strict=True) if found else ((np.zeros(0, int),), (np.zeros(0, int),), (np.zeros(0),))
    journey, group_of, effect = (np.concatenate(part) for part in parts)
    seconds = max(time.perf_counter() - began, 1e-9)
    return Effects(
        journey=journey,
        group=group_of,
        effect=effect,
        with_all=with_all,
        without_any=without,
        per_second=copies / seconds,
    )


def score(model: JourneyModel, batch: JourneyBatch) -> _Floats:
    """Return calibrated probabilities (B,) of a batch."""
    with torch.inference_mode():
        return model.probability(model(batch))


_NOTHING, _ALL = -1, -2


def _copies(groups: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which journey each copy is of, and the group that it lacks: none, all, and each that the journey has."""
    rows, several = torch.arange(len(groups)), groups.shape[1]
    ordered = groups.sort(dim=1).values
    first = torch.cat([torch.ones(len(groups), 1, dtype=torch.bool), ordered[:, 1:] != ordered[:, :-1]], dim=1)
    first &= ordered > 0
    journey = rows[:, None].expand(-1, several)[first]
    copied = torch.cat([rows, rows, journey])
    group = torch.cat([torch.full_like(rows, _NOTHING), torch.full_like(rows, _ALL), ordered[first]])
    order = torch.argsort(copied, stable=True)
    return copied[order], group[order]


def batches_of(rows: _Ints, cells: int, token_budget: int) -> Iterator[_Ints]:
    """Yield the rows in parts of so many cells each that a part stays under the budget, one row at least."""
    size = max(token_budget // max(cells, 1), 1)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
