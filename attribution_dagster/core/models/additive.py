"""The additive part of the logit: bias + sum over events of (weights of its categories and pair) x (weight of its position).

It is logistic regression on position-weighted counts, fitted to its optimum before the network starts, so that the
network learns what the additive part can't say. Position weights are exp of a line through knots at log-spaced
positions, shrunk towards 1; category weights have a normal prior around 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import Bounds, minimize
from scipy.special import expit
from torch import nn
from torch.nn import functional

from attribution_dagster.core.models.pairs import MAX_TYPES, N_PAIRS, NO_PAIR
from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN

KNOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
POSITION_PENALTY = 10.0
PAIR_PENALTY = 10.0  # precision of the prior on a pair's weight: effects of about .3 logits
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AdditiveFit:
    """Fitted weights per column and id, log position weights at the knots, bias, mean training log-loss.

    pairs: weight per pair id. fixed: the columns that were left out, whose weights are 0 and stay so.
    """

    weights: Mapping[str, _Floats]
    pairs: Mapping[int, float]
    log_position: _Floats
    max_events: int
    bias: float
    loss: float
    fixed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AdditiveEvents:
    """Events as the additive part reads them: ids (E, columns), pair (E,), position (E,) from 0, session (E,), label (S,)."""

    ids: npt.NDArray[np.int64]
    pair: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    session: npt.NDArray[np.int64]
    label: _Floats


class AdditiveTerm(nn.Module):
    """Weights per category id, pair and position; `columns` maps a category column to (its place in the codes, its ids)."""

    position_basis: torch.Tensor
    is_pair_used: torch.Tensor

    def __init__(self, columns: Mapping[str, tuple[int, int]], max_events: int) -> None:
        super().__init__()
        self.columns = {name: place for name, (place, _) in columns.items()}
        self.weights = nn.ParameterDict({name: nn.Parameter(torch.zeros(size)) for name, (_, size) in columns.items()})
        self.pair_weights = nn.Parameter(torch.zeros(N_PAIRS))
        self.register_buffer("is_pair_used", torch.zeros(N_PAIRS, dtype=torch.bool))
        basis = torch.from_numpy(position_basis(max_events)).float()
        self.log_position = nn.Parameter(torch.zeros(basis.shape[1]))
        self.register_buffer("position_basis", basis, persistent=False)

    def forward(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return what each event adds to the logit, (B, T): its pair counts where it is complete; padding adds 0."""
        weights = sum(self.weights[name][codes[:, :, place]] for name, place in self.columns.items())
        own = weights * self.position_weights()[: codes.shape[1]] * is_event
        return own + self.pair_effects(codes, is_event)  # type: ignore[no-any-return]

    def worth(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return what falls away with each event while all others keep their places, (B, T).

        That is what it adds, and for the first of a pair also the pair, which the second would no longer complete. So a
        pair counts at both its events, as it does in gradient x input of any product of two inputs.
        """
        completed = self.pair_effects(codes, is_event)
        return self.forward(codes, is_event) + functional.pad(completed[:, 1:], (0, 1))

    def pair_ids(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return the id of the pair that each event completes, (B, T), as `pairs.pair_ids` has them."""
        types = codes[:, :, self.columns["event_type"]]
        before = functional.pad(types, (1, -1))
        known = (types >= FIRST_TOKEN) & (before >= FIRST_TOKEN) & (types < MAX_TYPES) & (before < MAX_TYPES)
        same = torch.zeros_like(types)
        if "store_id" in self.columns:
            stores = codes[:, :, self.columns["store_id"]]
            same = ((stores == functional.pad(stores, (1, -1))) & (stores >= FIRST_TOKEN)).long()
        return torch.where(known & is_event, (same * MAX_TYPES + before) * MAX_TYPES + types, NO_PAIR)

    def pair_effects(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return what the pairs add to the logit where they are complete, (B, T)."""
        weights = (self.pair_weights * self.is_pair_used)[self.pair_ids(codes, is_event)]
        return weights * self.position_weights()[: codes.shape[1]]

    def position_weights(self) -> torch.Tensor:
        """Return the weight of each position, (max_events,)."""
        return torch.exp(self.position_basis @ self.log_position)

    @torch.no_grad()
    def set_weights(self, fit: AdditiveFit) -> None:
        """Take over a fit; columns that it left out are not trained either."""
        self.log_position.copy_(torch.from_numpy(fit.log_position))
        for name, weights in fit.weights.items():
            self.weights[name].copy_(torch.from_numpy(weights))
            self.weights[name].requires_grad_(name not in fit.fixed)
        self.pair_weights.zero_()
        self.is_pair_used.zero_()
        for pair, weight in fit.pairs.items():
            self.pair_weights[pair], self.is_pair_used[pair] = weight, True
        self.pair_weights.requires_grad_(bool(fit.pairs))


def position_basis(max_events: int) -> _Floats:
    """Return hat functions in log position, (max_events, knots): each row sums to 1 and has at most two non-zeros."""
    knots = [*(knot for knot in KNOTS if knot < max_events), max_events]
    grid = np.log(np.arange(1, max_events + 1))
    return np.stack([np.interp(grid, np.log(knots), row) for row in np.eye(len(knots))], axis=1)


def fit_additive(
    events: AdditiveEvents,
    sizes: Mapping[str, int],
    max_events: int,
    penalties: Mapping[str, float | None],
    pairs: Sequence[int] = (),
) -> AdditiveFit:
    """Return the penalised maximum likelihood, found by L-BFGS in float64 from zero: no seed.

    sizes: ids per column, in the order of `events.ids`. penalties: precision of each column's prior, None to leave the
    column out. pairs: ids of the pairs that get a weight.
    """
    used = [place for place, name in enumerate(sizes) if penalties[name] is not None]
    names = [list(sizes)[place] for place in used]
    starts = np.cumsum([0, *(sizes[name] for name in names), len(pairs) + 1])
    basis = position_basis(max_events)
    n_weights, n_knots = int(starts[-1]), basis.shape[1]
    precision = [np.full(sizes[name], penalties[name], dtype=np.float64) for name in names]
    no_pair, pair_precision = np.zeros(1), np.full(len(pairs), PAIR_PENALTY)
    objective = _Objective(
        events=events,
        ids=[*(events.ids[:, place] for place in used), _places(pairs, events.pair)],
        starts=starts,
        basis=basis,
        precision=np.concatenate([*precision, no_pair, pair_precision, np.full(n_knots, POSITION_PENALTY), [0.0]]),
    )
    rate = np.clip(events.label.mean(), 1e-6, 1 - 1e-6)
    start = np.append(np.zeros(n_weights + n_knots), np.log(rate / (1 - rate)))
    free = np.arange(len(start)) != starts[len(names)]  # what makes no pair weighs nothing
    bounds = Bounds(np.where(free, -np.inf, 0.0), np.where(free, np.inf, 0.0))
    options = {"maxiter": 200, "maxfun": 250}
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    penalty = 0.5 * np.sum(objective.precision * found**2) / len(events.label)
    fitted = {name: found[starts[place] : starts[place + 1]] for place, name in enumerate(names)}
    return AdditiveFit(
        weights={name: fitted.get(name, np.zeros(size)) for name, size in sizes.items()},
        pairs=dict(zip(pairs, found[starts[len(names)] + 1 : n_weights].tolist(), strict=True)),
        log_position=found[n_weights:-1],
        max_events=max_events,
        bias=float(found[-1]),
        loss=float(objective(found)[0] - penalty),
        fixed=tuple(name for name in sizes if name not in fitted),
    )


def additive_logits(fit: AdditiveFit, events: AdditiveEvents) -> _Floats:
    """Return the logits (S,) of the fit on these sessions."""
    weight = np.array([0.0, *fit.pairs.values()])[_places(list(fit.pairs), events.pair)]
    for place, weights in enumerate(fit.weights.values()):
        weight += weights[events.ids[:, place]]
    contribution = weight * position_scale(fit, events)
    return np.asarray(fit.bias + np.bincount(events.session, contribution, len(events.label)), dtype=np.float64)


def position_scale(fit: AdditiveFit, events: AdditiveEvents) -> _Floats:
    """Return the weight of each event's position, (E,)."""
    return np.asarray(np.exp(position_basis(fit.max_events) @ fit.log_position)[events.position], dtype=np.float64)


def _places(pairs: Sequence[int], pair: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return 1 + the place of each event's pair among `pairs`, 0 where it is none of them."""
    places = np.zeros(N_PAIRS, dtype=np.int64)
    places[list(pairs)] = 1 + np.arange(len(pairs))
    return places[pair]


@dataclass(frozen=True, kw_only=True)
class _Objective:
    events: AdditiveEvents
    ids: list[npt.NDArray[np.int64]]
    starts: npt.NDArray[np.int64]
    basis: _Floats
    precision: _Floats

    def __call__(self, parameters: _Floats) -> tuple[float, _Floats]:
        """Return the penalised log-loss per session and its gradient."""
        events, n_sessions, n_weights = self.events, len(self.events.label), int(self.starts[-1])
        scale = np.exp(self.basis @ parameters[n_weights:-1])[events.position]
        weight = np.zeros(len(scale))
        for start, ids in zip(self.starts, self.ids, strict=False):
            weight += parameters[start + ids]
        logit = parameters[-1] + np.bincount(events.session, weight * scale, n_sessions)
        residual = expit(logit) - events.label
        error = residual[events.session] * scale
        sizes = np.diff(self.starts)
        by_id = [np.bincount(ids, error, size) for ids, size in zip(self.ids, sizes, strict=True)]
        by_position = np.bincount(events.position, error * weight, len(self.basis))
        gradient = np.concatenate([*by_id, self.basis.T @ by_position, [residual.sum()]])
        loss = np.sum(np.logaddexp(0.0, logit) - events.label * logit)
        penalised = loss + 0.5 * np.sum(self.precision * parameters**2)
        return penalised / n_sessions, (gradient + self.precision * parameters) / n_sessions
