"""From what traits are made, and how many: held-out reconstruction chooses the number, use and stability choose the origin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.customers import CustomerTokens
from attribution_dagster.core.traits.factors import (
    OPTIONS,
    Factors,
    coherence,
    fit_factors,
    reconstruction,
    stability,
)
from attribution_dagster.core.traits.model import factored_matrix
from attribution_dagster.core.traits.pooling import Pooler
from attribution_dagster.core.traits.profiles import trait_shares
from attribution_dagster.core.traits.tasks import Measured, bought_categories, decisive, fit_purchase, other_half
from attribution_dagster.core.traits.vectors import ItemVectors

Floats = npt.NDArray[np.float64]
Figure = tuple[float | None, float | None]
"""A value and its standard error."""
METRICS = ("reconstruction", "stability", "coherence", "purchase", "other_half")
_HELD_OUT = 5
"""Every fifth customer is held out of the fits that choose the number."""
_SEEDS = (1, 2)
_CUSTOMERS = 4_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Selected:
    """The traits, each one's stability and coherence, and the rows of `trait_comparison`."""

    factors: Factors
    stability: Floats
    coherence: Floats
    rows: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candidate:
    factors: Factors
    stability: Floats
    coherence: Floats
    figures: "dict[str, Figure]"

    @property
    def mean(self) -> float:
        known = [value for name, (value, _) in self.figures.items() if name != "reconstruction" and value is not None]
        return float(np.mean(known))


def select_factors(
    customers: CustomerTokens,
    over_time: "tuple[CustomerTokens, CustomerTokens] | None",
    vectors: ItemVectors,
    pooler: Pooler,
    *,
    numbers: Sequence[int],
    purchase: tuple[str, ...],
    seed: int,
) -> Selected:
    """The traits of these customers: of each option the number that best rebuilds held-out halves, then the option of the best figures.

    The number is the one with the best reconstruction; the option the one with the higher mean of stability, coherence, purchase and other half.

    Args:
        over_time: the customers before the last training window, and in it; None where only one window trains.

    Raises:
        ValueError: too few customers or columns for any of the numbers.
    """
    rebuilt = {option: _rebuilt(customers, vectors, pooler, option, numbers, seed) for option in OPTIONS}
    number = {option: max(found, key=lambda k: found[k][0]) for option, found in rebuilt.items()}
    candidates = {
        option: _candidate(customers, over_time, vectors, pooler, option, number[option], purchase, seed)
        for option in OPTIONS
    }
    default = max(OPTIONS, key=lambda option: candidates[option].mean)
    chosen = candidates[default]
    rows = []
    for option in OPTIONS:
        reason = _reason(option, default, {name: each.mean for name, each in candidates.items()})
        figures: list[tuple[int, str, Any, Any]] = [
            (k, "reconstruction", *found) for k, found in rebuilt[option].items()
        ]
        figures += [(number[option], name, *found) for name, found in candidates[option].figures.items()]
        rows += [
            {
                "option": option, "traits": k, "metric": metric, "value": value, "standard_error": error,
                "is_chosen_number": k == number[option], "is_default": option == default and k == number[option],
                "reason": reason,
            }
            for k, metric, value, error in figures
        ]  # fmt: skip
    return Selected(factors=chosen.factors, stability=chosen.stability, coherence=chosen.coherence, rows=rows)


def _rebuilt(
    customers: CustomerTokens, vectors: ItemVectors, pooler: Pooler, option: str, numbers: Sequence[int], seed: int
) -> dict[int, tuple[float, float]]:
    """Number of traits -> held-out reconstruction and its standard error."""
    drawn = np.sort(np.random.default_rng(seed).permutation(len(customers))[:_CUSTOMERS])
    is_held_out = np.arange(len(drawn)) % _HELD_OUT == 0
    fitted = factored_matrix(option, pooler, vectors, customers.of_users(drawn[~is_held_out]))
    asked = customers.of_users(drawn[is_held_out])
    first, second = (factored_matrix(option, pooler, vectors, asked.select(asked.half == half)) for half in (0, 1))
    both = (np.asarray(abs(first).sum(axis=1)).ravel() > 0) & (np.asarray(abs(second).sum(axis=1)).ravel() > 0)
    possible = [k for k in numbers if k <= min(fitted.shape)]
    if not possible or both.sum() < 2:
        raise ValueError(
            f"{len(customers)} customers, {int(both.sum())} of those held out with two sessions or more, are too few for {min(numbers)} "
            "traits: use more windows, or fewer traits (traits.numbers)"
        )
    return {
        k: reconstruction(fit_factors(fitted, option, k, seed=seed), first[both], second[both]) for k in possible
    }  # fmt: skip


def _candidate(
    customers: CustomerTokens,
    over_time: "tuple[CustomerTokens, CustomerTokens] | None",
    vectors: ItemVectors,
    pooler: Pooler,
    option: str,
    number: int,
    purchase: tuple[str, ...],
    seed: int,
) -> _Candidate:
    matrix = factored_matrix(option, pooler, vectors, customers)
    factors = fit_factors(matrix, option, number, seed=seed)

    def describe(some: CustomerTokens) -> Floats:
        return factors.weights(factored_matrix(option, pooler, vectors, some))[0]

    rows, _ = customers.rows_of(vectors)
    counts = customers.matrix(rows, customers.n_events, len(vectors.table))
    steady = stability(factors, matrix, _SEEDS)
    meaning = coherence(trait_shares(describe(customers), counts)[0], counts)
    figures: dict[str, Figure] = {"stability": _over_traits(steady), "coherence": _over_traits(meaning)}
    figures["purchase"] = _error(_purchase(describe, over_time, vectors, purchase))
    figures["other_half"] = _error(other_half(customers, describe, seed))
    return _Candidate(factors=factors, stability=steady, coherence=meaning, figures=figures)


def _purchase(
    describe: Any,
    over_time: "tuple[CustomerTokens, CustomerTokens] | None",
    vectors: ItemVectors,
    purchase: tuple[str, ...],
) -> Measured:
    """Who of every second customer buys from which category in the last training window; the others teach."""
    if over_time is None:
        return Measured.of(np.zeros(0))
    past, later = over_time
    bought = bought_categories(later, purchase, sorted({c for c in vectors.categories if c is not None}))
    taught, asked = (past.of_users(np.arange(start, len(past), 2)) for start in (0, 1))
    model = fit_purchase(describe(taught), taught.users, bought)
    return decisive(model.ranked(describe(asked), asked.users, bought) if model else None)


def _over_traits(values: Floats) -> tuple[float, float | None]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _error(found: Measured) -> tuple[float | None, float | None]:
    n = len(found.each)
    return found.value, float(found.each.std(ddof=1) / np.sqrt(n)) if n > 1 else None


def _reason(option: str, default: str, means: dict[str, float]) -> str:
    said = f"mean of stability, coherence, purchase and other half {means[option]:.3f}"
    return (
        f"{said}, the higher of the two" if option == default else f"{said}, against {means[default]:.3f} of {default}"
    )
