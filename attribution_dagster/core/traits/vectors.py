"""Vectors of tokens, with the mean vectors that stand in for a token without one; stored in the word2vec format."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import sparse

from attribution_dagster.core.traits.tokens import token_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
KNOWN, CATEGORY, ACTION, UNKNOWN = range(4)
"""Where a token's vector comes from."""
_VECTORS, _TOKENS = "vectors.txt", "tokens.parquet"


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemVectors:
    """V tokens, the most frequent first, with vectors of D dimensions."""

    actions: tuple[str, ...]
    items: tuple[str, ...]
    categories: tuple[str | None, ...]
    counts: Ints  # (V,)
    vectors: Floats  # (V, D)

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.items)

    @cached_property
    def tokens(self) -> list[str]:
        """The tokens as words."""
        return [token_of(action, item) for action, item in zip(self.actions, self.items, strict=True)]

    @cached_property
    def unit(self) -> Floats:
        """The vectors at length one, shape (V, D)."""
        return unit_rows(self.vectors)

    @cached_property
    def table(self) -> Floats:
        """What customers are pooled from: the unit vectors, then the mean vectors of `_groups`, shape (V + G, D)."""
        means = [np.average(self.unit[rows], axis=0, weights=self.counts[rows]) for rows in self._groups.values()]
        return np.concatenate([self.unit, unit_rows(np.array(means, dtype=np.float32))])

    @cached_property
    def _groups(self) -> "dict[tuple[str | None, str | None], list[int]]":
        """(action, category), (None, category) and (action, None) -> the tokens that have them."""
        groups: dict[tuple[str | None, str | None], list[int]] = {}
        for row, (action, category) in enumerate(zip(self.actions, self.categories, strict=True)):
            for key in ([(action, category), (None, category)] if category is not None else []) + [(action, None)]:
                groups.setdefault(key, []).append(row)
        return groups

    @cached_property
    def _rows(self) -> "dict[tuple[str, str], int]":
        return {pair: row for row, pair in enumerate(zip(self.actions, self.items, strict=True))}

    @cached_property
    def _group_rows(self) -> "dict[tuple[str | None, str | None], int]":
        return {key: len(self) + number for number, key in enumerate(self._groups)}

    @cached_property
    def groups_of_rows(self) -> sparse.csr_matrix:
        """For each row of `table`, itself and the groups it belongs to, as ones, shape (V + G, V + G)."""
        pairs = [(row, len(self) + number) for number, rows in enumerate(self._groups.values()) for row in rows]
        own = [(row, row) for row in range(len(self) + len(self._groups))]
        row, column = np.array(own + pairs).T
        width = len(self) + len(self._groups)
        return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(width, width))

    def look_up(
        self, actions: Sequence[str], items: Sequence[str], categories: Sequence[str | None]
    ) -> tuple[Ints, Ints]:
        """Rows of `table` for these tokens, -1 where there is none, and where each comes from (`KNOWN`, ...); both of shape (tokens,).

        A token without a vector falls back on the mean of its category under the same action, of its category, then of its action.
        """
        rows, sources = np.full(len(items), -1), np.full(len(items), UNKNOWN)
        for place, (action, item, category) in enumerate(zip(actions, items, categories, strict=True)):
            known = self._rows.get((action, item))
            if known is not None:
                rows[place], sources[place] = known, KNOWN
                continue
            for key, source in (((action, category), CATEGORY), ((None, category), CATEGORY), ((action, None), ACTION)):
                if key in self._group_rows and (source == ACTION or category is not None):
                    rows[place], sources[place] = self._group_rows[key], source
                    break
        return rows, sources

    def nearest(self, rows: Ints, count: int) -> tuple[Ints, Floats]:
        """The nearest tokens of each of these by cosine, without itself, and the cosines; both of shape (rows, count), or fewer of few tokens."""
        count = min(count, len(self) - 1)
        cosines = self.unit[rows] @ self.unit.T
        cosines[np.arange(len(rows)), rows] = -np.inf
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
        return order, np.take_along_axis(cosines, order, axis=1)

    def save(self, folder: Path) -> None:
        """Writes the vectors in the word2vec text format, which gensim and others read, and the catalogue of tokens as Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = (
            f"{token} {' '.join(map(repr, row))}" for token, row in zip(self.tokens, self.vectors.tolist(), strict=True)
        )
        head = f"{len(self)} {self.vectors.shape[1]}"
        (folder / _VECTORS).write_text("\n".join([head, *rows, ""]), encoding="ascii")
        columns = {"action": self.actions, "item_id": self.items, "category": self.categories}
        types = {name: pa.array(values, pa.string()) for name, values in columns.items()}
        pq.write_table(pa.table({**types, "occurrences": self.counts}), folder / _TOKENS)

    @classmethod
    def load(cls, folder: Path) -> "ItemVectors":
        """The vectors that `save` wrote."""
        table = pq.read_table(folder / _TOKENS)
        lines = (folder / _VECTORS).read_text(encoding="ascii").splitlines()
        n, width = map(int, lines[0].split())
        vectors = np.array([line.split(" ")[1:] for line in lines[1:]], dtype=np.float32).reshape(n, width)
        actions, items, categories = (tuple(table[name].to_pylist()) for name in ("action", "item_id", "category"))
        counts = table["occurrences"].to_numpy()
        return cls(actions=actions, items=items, categories=categories, counts=counts, vectors=vectors)


def unit_rows(matrix: npt.NDArray[np.floating]) -> Floats:
    """The rows at length one, as float32; a row of zeros stays one."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Floats = np.divide(matrix, lengths, out=np.zeros_like(matrix), where=lengths > 0).astype(np.float32)
    return unit
