"""How many purchases ads caused, by estimators that trust different things; and how wrong they may be.

Ads are shown to people who are likely to buy. `naive_difference` ignores that. `doubly_robust` is right if either the chance of a purchase without
ads, or the chance of being shown one, is well described by what is known of intent (Robins et al. 1994; for the treated, Mercatanti and
Li 2014). `lost_auctions` needs no intent: of two people for whom the same was bid, one was shown the ad because the price happened to be lower
(ghost ads, Johnson et al. 2017). `sensitivity` says how strong intent that nobody logged would have to be to explain it all away (Rosenbaum 2002).

All count purchases added by the ads that were shown: sum over exposed journeys of P(purchase) - P(purchase without ads).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from attribution_dagster.core.uncertainty import Z_95

NEAR_MARGIN = 0.7
"""Auctions count whose bid and price differ by less than this, in logs."""
TILTS = (1.1, 1.25, 1.5, 2.0)
_HIGHEST_PROPENSITY = 0.98
_PRIOR_VARIANCE = 10.0  # of the weights of a logistic regression, in squared logits
_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Purchases added, and their standard error over users."""

    value: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z_95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z_95 * self.error


def naive_difference(label: _Floats, exposed: _Flags, user: npt.NDArray[np.int64]) -> Estimate:
    """Return the exposed journeys times the difference of purchase rates, exposed minus other."""
    rate = float(label[~exposed].mean())
    part = np.where(exposed, label - rate, -(label - rate) * exposed.sum() / (~exposed).sum())
    return Estimate(value=float((label[exposed] - rate).sum()), error=error_of_sum(part, user))


def doubly_robust(
    label: _Floats, exposed: _Flags, known: _Floats, user: npt.NDArray[np.int64], *, folds: int = 2, seed: int = 0
) -> Estimate:
    """Return the augmented inverse-propensity estimate for the exposed, cross-fitted over users.

    known: (S, K) what is known of intent; both models are logistic in it and its squares. A journey as likely as 98 % to be exposed
    has the weight of 98 %: without the like of it among the others, the outcome model speaks for it, and the error counts how
    uncertain that model is there.
    """
    inputs = with_squares(known)
    fold = np.random.default_rng(seed).permutation(int(user.max()) + 1)[user] % folds
    part = np.zeros(len(label))
    pull = np.zeros(len(label))
    for each in range(folds):
        others, held = (fold != each) & ~exposed, fold == each
        without = _Logistic(inputs[others], label[others])
        chance = np.minimum(_Logistic(inputs[fold != each], exposed[fold != each])(inputs[held]), _HIGHEST_PROPENSITY)
        weight = np.where(exposed[held], 1.0, -chance / (1 - chance))
        part[held] = weight * (label[held] - without(inputs[held]))
        pull[others] -= without.pull(inputs[held], weight)
    return Estimate(value=float(part.sum()), error=error_of_sum(part + pull, user))


def lost_auctions(
    won: _Flags,
    bid: _Floats,
    price: _Floats,
    purchases: _Floats,
    user: npt.NDArray[np.int64],
    *,
    days_ratio: float = 1.0,
) -> Estimate:
    """Return what winning added, from auctions won and lost near the margin, for all that were won.

    purchases: (A,) of the user in the look-back's time after the auction. days_ratio: days counted over days of auctions. Least squares of purchases
    on winning, the log bid and both; the gain at the mean bid of all winners is what a win is worth.

    Raises ValueError where fewer than 50 auctions near the margin were won, or lost.
    """
    log_bid = np.log(bid)
    centre = log_bid[won].mean()
    near = np.abs(log_bid - np.log(price)) < NEAR_MARGIN
    if min((won & near).sum(), (~won & near).sum()) < 50:
        raise ValueError(
            f"{(won & near).sum()} auctions near the margin were won and {(~won & near).sum()} lost; 50 are needed"
        )
    x = log_bid[near] - centre
    inputs = np.stack([np.ones(len(x)), won[near], x, x**2, won[near] * x], axis=1)
    inverse = np.linalg.inv(inputs.T @ inputs)
    weights = inverse @ inputs.T @ purchases[near]
    pull = (inputs @ inverse)[:, 1] * (purchases[near] - inputs @ weights)
    scale = float(won.sum()) * days_ratio
    return Estimate(value=float(weights[1]) * scale, error=scale * _clustered(pull, user[near]))


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """bounds: (tilt, low, high) of purchases added; explained_away: the tilt at which the lower bound is zero."""

    bounds: tuple[tuple[float, float, float], ...]
    explained_away: float


def sensitivity(label: _Floats, exposed: _Flags, known: _Floats) -> Sensitivity:
    """Return bounds on purchases added, if the odds of being shown ads differed by a tilt between equals who would buy and who would not.

    Among the exposed the odds of buying anyway are then those of the model without ads times at most the tilt.
    """
    inputs = with_squares(known)
    without = _Logistic(inputs[~exposed], label[~exposed])(inputs[exposed])
    bought = float(label[exposed].sum())

    def added(tilt: float) -> float:
        return bought - float((tilt * without / (1 - without + tilt * without)).sum())

    bounds = tuple((tilt, added(tilt), added(1 / tilt)) for tilt in TILTS)
    low, high = 1e-3, 1e3
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if added(middle) > 0 else (low, middle)
    return Sensitivity(bounds=bounds, explained_away=float(np.sqrt(low * high)))


def error_of_sum(parts: _Floats, user: npt.NDArray[np.int64]) -> float:
    """Return the standard error of a sum whose parts come in users, were other users drawn."""
    sums = np.bincount(user, parts)
    sums = sums[np.bincount(user) > 0]
    return float(np.sqrt(len(sums) / max(len(sums) - 1, 1) * np.sum((sums - sums.mean()) ** 2)))


def with_squares(known: _Floats) -> _Floats:
    """Return the columns, scaled, and their squares."""
    scale = known.std(axis=0)
    scaled = (known - known.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    return np.concatenate([scaled, scaled**2], axis=1)


def _clustered(pull: _Floats, user: npt.NDArray[np.int64]) -> float:
    return float(np.sqrt(np.sum(np.bincount(user, pull) ** 2)))


class _Logistic:
    """A logistic regression of label (N,) on inputs (N, K) with a weak prior; constant where labels are all alike."""

    def __init__(self, inputs: _Floats, label: npt.ArrayLike) -> None:
        from sklearn.linear_model import LogisticRegression

        truth = np.asarray(label, dtype=np.float64)
        self._inputs, self._truth = inputs, truth
        self._weights = np.zeros(inputs.shape[1] + 1)
        if 0 < truth.sum() < len(truth):
            fitted = LogisticRegression(C=_PRIOR_VARIANCE, max_iter=500).fit(inputs, truth)
            self._weights = np.append(fitted.coef_[0], fitted.intercept_[0])
        else:
            self._weights[-1] = logit(np.clip(truth.mean() if len(truth) else 0.5, 1e-6, 1 - 1e-6))

    def __call__(self, inputs: _Floats) -> _Floats:
        """Return probabilities (M,)."""
        return np.asarray(expit(_with_one(inputs) @ self._weights))

    def pull(self, inputs: _Floats, weight: _Floats) -> _Floats:
        """Return how far each training row moves the weighted sum of predictions for these inputs (M, K), (N,)."""
        x, p, predicted = _with_one(self._inputs), self(self._inputs), self(inputs)
        slope = (weight * predicted * (1 - predicted)) @ _with_one(inputs)
        information = (x * (p * (1 - p))[:, None]).T @ x + np.eye(x.shape[1]) / _PRIOR_VARIANCE
        return np.asarray((x @ np.linalg.solve(information, slope)) * (self._truth - p))


def _with_one(inputs: _Floats) -> _Floats:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
