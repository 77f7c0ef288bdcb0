"""What the default method is expected to reach over the worlds, and whether it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.benchmark.scoring import Recovery
from attribution_dagster.core.benchmark.worlds import WorldResult
from attribution_dagster.core.simulation.truth_worlds import WORLDS

METHOD = "gradient_x_input"
RANK_CORRELATION, SIGN_ACCURACY, BEHIND_COUNTS = 0.9, 0.95, 0.03
Figure = Callable[[Recovery], float | None]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One expectation: what it says with the figures found, and whether it is met; None where no world asks for it."""

    said: str
    is_met: bool | None


def figure_by_world(results: Sequence[WorldResult], figure: Figure) -> dict[str, dict[str, float | None]]:
    """Return method or baseline -> world -> the figure's mean over seeds; None where it has no meaning."""
    worlds = list(dict.fromkeys(result.world for result in results))
    names = list(dict.fromkeys(name for result in results for name in (*result.methods, *result.baselines)))
    return {name: {world: _mean(name, world, results, figure) for world in worlds} for name in names}


def overall(results: Sequence[WorldResult], name: str, figure: Figure) -> float | None:
    """Return the figure's mean over worlds and seeds, those left out where it has no meaning."""
    found = [figure(_scores(result)[name]) for result in results if name in _scores(result)]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None


def aims(results: Sequence[WorldResult], method: str = METHOD) -> list[Aim]:
    """Return what was expected of the method, with the figures. Raises ValueError without results."""
    if not results:
        raise ValueError("no results to judge")
    ranks = figure_by_world(results, lambda found: found.rank_correlation)
    within = figure_by_world(results, lambda found: found.within_type)
    baselines = list(results[0].baselines)
    return [
        _rank(results, ranks[method], method),
        _signs(results, method),
        _additive(ranks, method),
        _beats_all(ranks, baselines, method),
        _which_occurrence(within, method),
    ]


def _rank(results: Sequence[WorldResult], by_world: Mapping[str, float | None], method: str) -> Aim:
    mean = overall(results, method, lambda found: found.rank_correlation)
    assert mean is not None
    worst = min(by_world, key=lambda world: by_world[world] or 0.0)
    said = f"mean rank correlation at least {RANK_CORRELATION}: {mean:.3f}; lowest in `{worst}`: {by_world[worst]:.3f}"
    return Aim(said=said, is_met=mean >= RANK_CORRELATION)


def _signs(results: Sequence[WorldResult], method: str) -> Aim:
    mean = overall(results, method, lambda found: found.sign_accuracy)
    assert mean is not None
    return Aim(
        said=f"at least {SIGN_ACCURACY:.0%} of signs right where there is an effect: {mean:.1%}",
        is_met=mean >= SIGN_ACCURACY,
    )


def _additive(ranks: Mapping[str, Mapping[str, float | None]], method: str) -> Aim:
    worlds = [world for world in ranks[method] if WORLDS[world].is_additive]
    behind = [(ranks["logistic_counts"][world] or 0.0) - (ranks[method][world] or 0.0) for world in worlds]
    said = f"within {BEHIND_COUNTS} of logistic regression on counts where effects add up (it is the true model there)"
    if not worlds:
        return Aim(said=f"{said}: no such world was run", is_met=None)
    return Aim(said=f"{said}: behind by {max(behind):+.3f}", is_met=max(behind) <= BEHIND_COUNTS)


def _beats_all(ranks: Mapping[str, Mapping[str, float | None]], baselines: Sequence[str], method: str) -> Aim:
    worlds = [world for world in ranks[method] if not WORLDS[world].is_additive]
    lost = []
    for world in worlds:
        best = max(baselines, key=lambda name: ranks[name][world] or 0.0)
        if (ranks[best][world] or 0.0) >= (ranks[method][world] or 0.0):
            lost.append(f"`{world}` ({ranks[method][world]:.3f}; {best} {ranks[best][world]:.3f})")
    said = "higher rank correlation than every baseline in each other world"
    if not worlds:
        return Aim(said=f"{said}: no such world was run", is_met=None)
    means = {name: float(np.mean([ranks[name][world] or 0.0 for world in worlds])) for name in (method, *baselines)}
    best = max(baselines, key=lambda name: means[name])
    told = f"; not in {', '.join(lost)}" if lost else ""
    return Aim(
        said=f"{said}: in {len(worlds) - len(lost)} of {len(worlds)}, mean {means[method]:.3f} against {means[best]:.3f} of {best}{told}",
        is_met=not lost,
    )


def _which_occurrence(within: Mapping[str, Mapping[str, float | None]], method: str) -> Aim:
    pairs = {
        world: (value, within["logistic_bigrams"][world] or 0.0)
        for world, value in within[method].items()
        if value is not None
    }
    said = "within an event type, nearer to which occurrence mattered than logistic regression with bigrams"
    if not pairs:
        return Aim(said=f"{said}: no world was run in which occurrences of a type differ", is_met=None)
    lost = [f"`{world}` ({own:.3f}; {other:.3f})" for world, (own, other) in pairs.items() if own <= other]
    own, other = (float(np.mean([pair[side] for pair in pairs.values()])) for side in (0, 1))
    told = f"not in {', '.join(lost)}" if lost else "in each world"
    return Aim(said=f"{said}: mean correlation {own:.3f} against {other:.3f}, {told}", is_met=not lost)


def _scores(result: WorldResult) -> dict[str, Recovery]:
    return {**result.methods, **result.baselines}


def _mean(name: str, world: str, results: Sequence[WorldResult], figure: Figure) -> float | None:
    return overall([result for result in results if result.world == world], name, figure)
