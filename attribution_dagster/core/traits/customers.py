"""What customers did, as sparse counts: one entry per customer, token and half of the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from attribution_dagster.core.traits.vectors import ItemVectors

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerTokens:
    """E entries of N customers over T distinct tokens, as `sql/traits/customer_tokens.sql` gives them: those of a customer together, in order of `users`.

    `recency` is the number of events, each halved with every half-life of its age. Times are in microseconds, prices in US dollars.
    """

    users: tuple[str, ...]  # N
    actions: tuple[str, ...]  # T
    items: tuple[str, ...]  # T
    categories: tuple[str | None, ...]  # T
    user: Ints  # (E,) place in `users`
    token: Ints  # (E,) place in `items`
    half: Ints  # (E,) 0 or 1
    n_events: Floats  # (E,)
    recency: Floats  # (E,)
    last_at_us: Ints  # (E,)
    price_sum_usd: Floats  # (E,)
    n_priced: Floats  # (E,)

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.users)

    @classmethod
    def from_table(cls, table: pa.Table) -> "CustomerTokens":
        """The rows of the statement."""
        users, user = _coded(table["user_id"])
        actions, action = _coded(table["action"])
        items, item = _coded(table["item_id"])
        pairs, token = np.unique(action * max(len(items), 1) + item, return_inverse=True)
        numbers = {
            name: table[name].to_numpy().astype(np.float64) for name in ("n_events", "recency", "n_priced")
        }  # fmt: skip
        return cls(
            users=tuple(users),
            actions=tuple(actions[pair // len(items)] for pair in pairs.tolist()),
            items=tuple(items[pair % len(items)] for pair in pairs.tolist()),
            categories=_first_known(table["category"], token, len(pairs)),
            user=user,
            token=token.astype(np.int64),
            half=table["half"].to_numpy().astype(np.int64),
            last_at_us=table["last_at"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(),
            price_sum_usd=np.nan_to_num(table["price_sum_usd"].cast(pa.float64()).to_numpy()),
            **numbers,
        )

    def rows_of(self, vectors: ItemVectors) -> tuple[Ints, Ints]:
        """Per entry, the row of `vectors.table` that stands for its token, -1 for none, and where it comes from; shapes (E,)."""
        rows, sources = vectors.look_up(self.actions, self.items, self.categories)
        return rows[self.token], sources[self.token]

    def matrix(self, column: Ints, weight: Floats, width: int) -> sparse.csr_matrix:
        """Weights summed by customer and column, shape (N, width); entries with a negative column are left out."""
        kept = column >= 0
        entries = (weight[kept], (self.user[kept], column[kept]))
        return sparse.csr_matrix(entries, shape=(len(self), width))

    def summed(
        self, row: Ints, weight: npt.NDArray[np.float32], table: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Weighted sums by customer of rows of a table, shape (N, D); entries with a negative row add nothing."""
        kept = np.maximum(row, 0)
        data = np.where(row >= 0, weight, np.float32(0))
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.user, minlength=len(self)))])
        # Entries lie by customer, so that they are a sparse matrix as they are: sorting them would take longer than the sums.
        found: npt.NDArray[np.float32] = sparse.csr_matrix((data, kept, starts), shape=(len(self), len(table))) @ table
        return found

    def sums(self, weight: npt.NDArray[np.floating]) -> Floats:
        """The weights of the entries summed by customer, shape (N,)."""
        return np.bincount(self.user, weight, minlength=len(self)).astype(np.float64)

    def select(self, kept: npt.NDArray[np.bool_]) -> "CustomerTokens":
        """The entries that are kept, with all customers."""
        entries = {name: getattr(self, name)[kept] for name in _PER_ENTRY}
        return CustomerTokens(**{**self._names, **entries})

    def of_users(self, places: Ints) -> "CustomerTokens":
        """The customers at these places, which ascend, alone."""
        new = np.full(len(self), -1)
        new[places] = np.arange(len(places))
        kept = new[self.user] >= 0
        entries = {name: getattr(self, name)[kept] for name in _PER_ENTRY}
        names = {**self._names, "users": tuple(self.users[place] for place in places.tolist())}
        return CustomerTokens(**{**names, **entries, "user": new[self.user[kept]]})

    @property
    def _names(self) -> dict[str, tuple[str | None, ...]]:
        return {name: getattr(self, name) for name in ("users", "actions", "items", "categories")}

    @cached_property
    def catalogue(self) -> tuple[list[str], Ints]:
        """The distinct items, sorted, and the place of each token's item among them, shape (T,): actions merged."""
        items, place = np.unique(np.array(self.items, dtype=object), return_inverse=True)
        return items.tolist(), place.astype(np.int64)

    @cached_property
    def category_of(self) -> dict[str, str]:
        """Item -> its category, where it is known."""
        return {item: c for item, c in zip(self.items, self.categories, strict=True) if c is not None}

    def is_action(self, actions: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Per entry, whether its action is one of these, shape (E,)."""
        return np.isin(np.array(self.actions, dtype=object), list(actions))[self.token]


_PER_ENTRY = ("user", "token", "half", "n_events", "recency", "last_at_us", "price_sum_usd", "n_priced")


def _first_known(column: pa.ChunkedArray, token: Ints, count: int) -> tuple[str | None, ...]:
    """For each token the first category that a row of it has."""
    found: list[str | None] = [None] * count
    known = np.flatnonzero(column.is_valid().to_numpy())
    tokens, first = np.unique(token[known], return_index=True)
    for place, category in zip(tokens.tolist(), column.take(pa.array(known[first])).to_pylist(), strict=True):
        found[place] = category
    return tuple(found)


def _coded(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """The distinct texts in order of appearance, and the place of each row's text among them."""
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
