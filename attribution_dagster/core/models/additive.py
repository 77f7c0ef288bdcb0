"""The additive part of the logit: bias + sum over events of (weight of its categories) x (weight of its position).

It is logistic regression on position-weighted counts, fitted to its optimum before the network starts, so that the
network learns what the additive part can't say. Position weights are exp of a line through knots at log-spaced
positions, shrunk towards 1; category weights have a normal prior around 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from scipy.special import expit
from torch import nn

KNOTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
POSITION_PENALTY = 10.0
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AdditiveFit:
    """Fitted weights per column and id, log position weights at the knots, bias, mean training log-loss.

    fixed: the columns that were left out, whose weights are 0 and stay so.
    """

    weights: Mapping[str, _Floats]
    log_position: _Floats
    max_events: int
    bias: float
    loss: float
    fixed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AdditiveEvents:
    """Events as the additive part reads them: ids (E, columns), position (E,) from 0, session (E,), label (S,)."""

    ids: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    session: npt.NDArray[np.int64]
    label: _Floats


class AdditiveTerm(nn.Module):
    """Weights per category id and position; `columns` maps a category column to (its place in the codes, its ids)."""

    position_basis: torch.Tensor

    def __init__(self, columns: Mapping[str, tuple[int, int]], max_events: int) -> None:
        super().__init__()
        self.columns = {name: place for name, (place, _) in columns.items()}
        self.weights = nn.ParameterDict({name: nn.Parameter(torch.zeros(size)) for name, (_, size) in columns.items()})
        basis = torch.from_numpy(position_basis(max_events)).float()
        self.log_position = nn.Parameter(torch.zeros(basis.shape[1]))
        self.register_buffer("position_basis", basis, persistent=False)

    def forward(self, codes: torch.Tensor, is_event: torch.Tensor) -> torch.Tensor:
        """Return each event's contribution to the logit, (B, T); padding contributes 0."""
        weights = sum(self.weights[name][codes[:, :, place]] for name, place in self.columns.items())
        return weights * self.position_weights()[: codes.shape[1]] * is_event  # type: ignore[no-any-return]

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


def position_basis(max_events: int) -> _Floats:
    """Return hat functions in log position, (max_events, knots): each row sums to 1 and has at most two non-zeros."""
    knots = [*(knot for knot in KNOTS if knot < max_events), max_events]
    grid = np.log(np.arange(1, max_events + 1))
    return np.stack([np.interp(grid, np.log(knots), row) for row in np.eye(len(knots))], axis=1)


def fit_additive(
    events: AdditiveEvents, sizes: Mapping[str, int], max_events: int, penalties: Mapping[str, float | None]
) -> AdditiveFit:
    """Return the penalised maximum likelihood, found by L-BFGS in float64 from zero: no seed.

    sizes: ids per column, in the order of `events.ids`. penalties: precision of each column's prior, None to leave the
    column out.
    """
    used = [place for place, name in enumerate(sizes) if penalties[name] is not None]
    names = [list(sizes)[place] for place in used]
    starts = np.cumsum([0, *(sizes[name] for name in names)])
    basis = position_basis(max_events)
    n_weights, n_knots = int(starts[-1]), basis.shape[1]
    precision = [np.full(sizes[name], penalties[name], dtype=np.float64) for name in names]
    objective = _Objective(
        events=events,
        ids=[events.ids[:, place] for place in used],
        starts=starts,
        basis=basis,
        precision=np.concatenate([*precision, np.full(n_knots, POSITION_PENALTY), [0.0]]),
    )
    rate = np.clip(events.label.mean(), 1e-6, 1 - 1e-6)
    start = np.append(np.zeros(n_weights + n_knots), np.log(rate / (1 - rate)))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxfun": 250}).x
    penalty = 0.5 * np.sum(objective.precision * found**2) / len(events.label)
    fitted = {name: found[starts[place] : starts[place + 1]] for place, name in enumerate(names)}
    return AdditiveFit(
        weights={name: fitted.get(name, np.zeros(size)) for name, size in sizes.items()},
        log_position=found[n_weights:-1],
        max_events=max_events,
        bias=float(found[-1]),
        loss=float(objective(found)[0] - penalty),
        fixed=tuple(name for name in sizes if name not in fitted),
    )


def additive_logits(fit: AdditiveFit, events: AdditiveEvents) -> _Floats:
    """Return the logits (S,) of the fit on these sessions."""
    weight = np.zeros(len(events.position))
    for place, weights in enumerate(fit.weights.values()):
        weight += weights[events.ids[:, place]]
    position = np.exp(position_basis(fit.max_events) @ fit.log_position)[events.position]
    return np.asarray(fit.bias + np.bincount(events.session, weight * position, len(events.label)), dtype=np.float64)


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
