"""The additive part of the logit: bias + sum over events of (weight of its categories) x (weight of its position).

It is logistic regression on position-weighted counts, fitted to its optimum before the network starts, so that the network
learns what the additive part can't say. Position weights are exp of a line through knots at log-spaced positions,
shrunk towards 1; category weights have a normal prior around 0.
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
_Floats = npt.NDArray[np.float64]


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
        weights = torch.zeros(codes.shape[:2])
        for name, place in self.columns.items():
            weights = weights + self.weights[name][codes[:, :, place]]
        position = torch.exp(self.position_basis @ self.log_position)[: codes.shape[1]]
        return weights * position * is_event


@dataclass(frozen=True, kw_only=True)
class AdditiveEvents:
    """Events as the additive part reads them: ids (E, columns), position (E,) from 0, session (E,), label (S,)."""

    ids: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    session: npt.NDArray[np.int64]
    label: _Floats


def position_basis(max_events: int) -> _Floats:
    """Return hat functions in log position, (max_events, knots): each row sums to 1 and has at most two non-zeros."""
    knots = [knot for knot in KNOTS if knot < max_events] + [max_events]
    grid = np.log(np.arange(1, max_events + 1))
    return np.stack([np.interp(grid, np.log(knots), row) for row in np.eye(len(knots))], axis=1)


def fit_additive(term: AdditiveTerm, events: AdditiveEvents, penalties: Mapping[str, float], position_penalty: float = 10.0) -> tuple[float, float]:
    """Set the term's weights to the penalised maximum likelihood on these sessions; return the bias and the log-loss.

    penalties: precision of the normal prior per column. The optimum is found by L-BFGS in float64 from zero: no seed.
    """
    sizes = [len(term.weights[name]) for name in term.columns]
    n_knots = len(term.log_position)
    objective = _Objective(
        events=events,
        basis=position_basis(term.position_basis.shape[0]),
        starts=np.cumsum([0, *sizes]),
        penalty=np.concatenate([
            *(np.full(size, penalties[name]) for name, size in zip(term.columns, sizes, strict=True)),
            np.full(n_knots, position_penalty), [0.0],
        ]),
    )
    start = np.zeros(sum(sizes) + n_knots + 1)
    rate = np.clip(events.label.mean(), 1e-6, 1 - 1e-6)
    start[-1] = np.log(rate / (1 - rate))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxfun": 250}).x
    with torch.no_grad():
        for name, first, size in zip(term.columns, objective.starts, sizes, strict=False):
            term.weights[name].copy_(torch.from_numpy(found[first : first + size]))
        term.log_position.copy_(torch.from_numpy(found[-n_knots - 1 : -1]))
    penalty = 0.5 * np.sum(objective.penalty * found**2) / len(events.label)
    return float(found[-1]), float(objective(found)[0] - penalty)


@dataclass(frozen=True, kw_only=True)
class _Objective:
    events: AdditiveEvents
    basis: _Floats
    starts: npt.NDArray[np.int64]
    penalty: _Floats

    def __call__(self, parameters: _Floats) -> tuple[float, _Floats]:
        """Return the penalised log-loss per session and its gradient."""
        events, n_sessions = self.events, len(self.events.label)
        n_weights, max_events = int(self.starts[-1]), len(self.basis)
        columns = range(events.ids.shape[1])
        position = np.exp(self.basis @ parameters[n_weights:-1])
        weight = np.zeros(len(events.ids))
        for column in columns:
            weight += parameters[self.starts[column] + events.ids[:, column]]
        scale = position[events.position]
        logit = parameters[-1] + np.bincount(events.session, weight * scale, n_sessions)
        residual = expit(logit) - events.label
        error = residual[events.session] * scale
        by_id = [np.bincount(events.ids[:, column], error, self.starts[column + 1] - self.starts[column])
                 for column in columns]
        by_position = np.bincount(events.position, error * weight, max_events)
        gradient = np.concatenate([*by_id, self.basis.T @ by_position, [residual.sum()]])
        loss = np.sum(np.logaddexp(0.0, logit) - events.label * logit)
        penalised = loss + 0.5 * np.sum(self.penalty * parameters**2)
        return penalised / n_sessions, (gradient + self.penalty * parameters) / n_sessions
