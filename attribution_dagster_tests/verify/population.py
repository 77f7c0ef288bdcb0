"""The statistics of groups of attributed events once more, in numpy: quick enough for a thousand resamples; a test holds them against the SQL."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

GRANULARITIES = {
    "event_type": ["event_type"],
    "position": ["position_bin"],
    "store": ["store_id", "store_name"],
    "category": ["primary_category", "primary_tag"],
    "event_position": ["event_type", "position_bin"],
}
_LAST_OF_BIN = [4, 9, 19, 49]
"""Last position, from 0, of the first four bins."""
Name = tuple[str, str | None, str | None]
"""Granularity, name_1 and name_2 of a group."""


@dataclass(frozen=True, kw_only=True)
class Population:
    """Attributed events summed by group and session (G groups, S sessions, U users).

    names: of the groups. session_user, label (S,): of the sessions, which are sorted by user. cells: a row for each group and session
    with its n, effect and share, and `pair`, the number of its group and user. pairs: a row for each group and user with n and effect.
    """

    names: list[Name]
    session_user: np.ndarray
    label: np.ndarray
    cells: pd.DataFrame
    pairs: pd.DataFrame

    @classmethod
    def of(cls, attribution: pa.Table) -> "Population":
        """The population of a slice of gradient_attribution: its attributed events in the risk set."""
        rows = attribution.to_pandas()
        rows = rows[rows["in_risk_set"] & rows["gradient_attribution"].notna()]
        rows = rows.assign(position_bin=(np.searchsorted(_LAST_OF_BIN, rows["event_position"]) + 1).astype(str))
        sessions = rows.drop_duplicates("session_id").sort_values(["user_id", "session_id"])
        number = pd.Series(range(len(sessions)), index=sessions["session_id"])
        rows = rows.assign(session=number[rows["session_id"]].to_numpy())
        names: list[Name] = []
        parts = []
        for granularity, keys in GRANULARITIES.items():
            grouped = rows.groupby(keys, dropna=False, sort=False)
            parts.append(_by_session(rows.assign(group=grouped.ngroup() + len(names))))
            firsts = grouped.head(1)
            names += [_name(granularity, key) for key in firsts[keys].itertuples(index=False, name=None)]
        cells = pd.concat(parts, ignore_index=True)
        session_user = pd.factorize(sessions["user_id"])[0]
        by_user = cells.assign(user=session_user[cells["session"]]).groupby(["group", "user"])
        return cls(
            names=names,
            session_user=session_user,
            label=sessions["label"].to_numpy(),
            cells=cells.assign(pair=by_user.ngroup()),
            pairs=by_user[["n", "effect"]].sum().reset_index(),
        )

    @property
    def users(self) -> int:
        """U."""
        return int(self.session_user[-1]) + 1

    def effects(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean effect, its standard error and the users behind it, of each group (G,), when user u is drawn drawn[u] times.

        A user drawn twice is two users, as in a bootstrap.
        """
        group, user, n, effect = (self.pairs[name].to_numpy() for name in ("group", "user", "n", "effect"))
        times = drawn[user]
        total = self._by_group(group, times * n)
        mean = self._by_group(group, times * effect) / total
        residual = _part_of_error(effect - mean[group] * n, n, total[group])
        error = np.sqrt(self._by_group(group, times * residual**2))
        return mean, error, self._by_group(group, times)

    def lifts(self, label: np.ndarray, of: str = "effect") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lift of effects (or of shares), its standard error and the users behind the side that has fewer, of each group (G,), with these labels (S,)."""
        group = self.pairs["group"].to_numpy()
        converted = label[self.cells["session"].to_numpy()]
        lift, residual = np.zeros(len(self.names)), np.zeros(len(self.pairs))
        fewest = np.full(len(self.names), np.inf)
        for side, sign in ((1, 1.0), (0, -1.0)):
            chosen = converted == side
            n = self._by_pair(np.where(chosen, self.cells["n"], 0))
            value = self._by_pair(np.where(chosen, self.cells[of], 0.0))
            total = self._by_group(group, n)
            mean = self._by_group(group, value) / total
            lift += sign * mean
            residual += sign * np.where(n > 0, _part_of_error(value - mean[group] * n, n, total[group]), 0.0)
            fewest = np.minimum(fewest, self._by_group(group, (n > 0).astype(float)))
        return lift, np.sqrt(self._by_group(group, residual**2)), fewest

    def permuted(self, rng: np.random.Generator) -> np.ndarray:
        """Labels (S,) such that each user has those of another, in order, repeated or cut to the number of sessions."""
        first = np.searchsorted(self.session_user, np.arange(self.users))
        size = np.bincount(self.session_user)
        donor = rng.permutation(self.users)[self.session_user]
        place = np.arange(len(self.session_user)) - first[self.session_user]
        return self.label[first[donor] + place % size[donor]]

    def _by_group(self, group: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.bincount(group, values, len(self.names))

    def _by_pair(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.cells["pair"], values, len(self.pairs))


def _part_of_error(residual: np.ndarray, n: np.ndarray, total: np.ndarray) -> np.ndarray:
    """What a user adds to the deviation of a ratio of sums over users, enlarged for the user's own pull (CR2)."""
    return residual / np.sqrt(total * (total - n))


def _by_session(rows: pd.DataFrame) -> pd.DataFrame:
    found = rows.groupby(["group", "session"])
    effects, shares = found["centred_attribution"], found["gradient_attribution"]
    return pd.DataFrame({"n": effects.size(), "effect": effects.sum(), "share": shares.sum()}).reset_index()


def _name(granularity: str, key: tuple[Hashable, ...]) -> Name:
    first, second = (*[None if _is_missing(part) else str(part) for part in key], None)[:2]
    return granularity, first, second


def _is_missing(value: Any) -> bool:
    return bool(pd.isna(value))
