"""Sessions as sentences: streamed from the warehouse into a file that gensim reads by itself, pass by pass.

The file is what gensim calls LineSentence: a session a line, blanks between words. Words are numbers, so that no name from outside
can break a line, and gensim's compiled reader takes them without a Python loop over epochs.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
CATALOGUE = ("action", "item_id", "category")
HELD_OUT_SESSIONS = 20_000
"""Sessions held out that are kept in memory."""


@dataclass(kw_only=True)
class Corpus:
    """A file of sessions, and what its words mean. Memory grows with the number of distinct tokens, not of events."""

    path: Path
    actions: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    categories: list[str | None] = field(default_factory=list)
    n_sessions: int = 0
    n_tokens: int = 0
    _known: dict[tuple[str, str], int] = field(default_factory=dict)

    def codes_of(self, batch: pa.RecordBatch) -> Ints:
        """The number of each row's token, shape (rows,); new ones are added to the catalogue."""
        columns = [batch.column(name).cast(pa.string()).dictionary_encode() for name in CATALOGUE[:2]]
        actions, items = (column.dictionary.to_pylist() for column in columns)
        action, item = (column.indices.to_numpy(zero_copy_only=False).astype(np.int64) for column in columns)
        pairs, first, place = np.unique(action * len(items) + item, return_index=True, return_inverse=True)
        categories = batch.column("category").take(pa.array(first)).to_pylist()
        numbers = [
            self._number(actions[pair // len(items)], items[pair % len(items)], category)
            for pair, category in zip(pairs.tolist(), categories, strict=True)
        ]
        return np.array(numbers, dtype=np.int64)[place]

    def _number(self, action: str, item: str, category: str | None) -> int:
        number = self._known.setdefault((action, item), len(self.items))
        if number == len(self.items):
            self.actions.append(action)
            self.items.append(item)
            self.categories.append(category)
        elif self.categories[number] is None:
            self.categories[number] = category
        return number


def write_corpus(batches: Iterable[pa.RecordBatch], path: Path) -> Corpus:
    """The sessions of the batches as a file at `path`, one batch in memory at a time.

    Args:
        batches: `session_id`, `action`, `item_id` and `category` of each event, the events of a session together and in order.
    """
    corpus, last = Corpus(path=path), None
    with path.open("w", encoding="ascii") as file:
        for batch in batches:
            if not batch.num_rows:
                continue
            sessions = batch.column("session_id")
            changes = pc.not_equal(sessions[1:], sessions[:-1]).to_numpy(zero_copy_only=False)
            begins = np.concatenate([[sessions[0].as_py() != last], changes])
            words = map(str, corpus.codes_of(batch).tolist())
            before = np.where(begins, "\n", " ").tolist()
            text = "".join(f"{gap}{word}" for gap, word in zip(before, words, strict=True))
            file.write(text if corpus.n_tokens else text.removeprefix("\n"))
            corpus.n_sessions += int(begins.sum())
            corpus.n_tokens += batch.num_rows
            last = sessions[len(sessions) - 1].as_py()
        file.write("\n" * (corpus.n_tokens > 0))
    return corpus


def split_corpus(corpus: Corpus, share: float, folder: Path, most: int = HELD_OUT_SESSIONS) -> tuple[Path, list[Ints]]:
    """A file of the first sessions, and of the others at most so many, evenly spread, as arrays of token numbers.

    `share` of the sessions, the latest, are the others.
    """
    first, held_out = round(corpus.n_sessions * (1 - share)), []
    every = max(1, math.ceil((corpus.n_sessions - first) / most))
    path = folder / "first.txt"
    with corpus.path.open(encoding="ascii") as read, path.open("w", encoding="ascii") as written:
        for number, line in enumerate(read):
            if number < first:
                written.write(line)
            elif (number - first) % every == 0:
                held_out.append(np.array(line.split(), dtype=np.int64))
    return path, held_out
