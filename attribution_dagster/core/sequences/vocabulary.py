"""Vocabularies and number scaling: learnt from training sets only, owned by the model, applied to any window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.sequences.sequence_set import SequenceSet

PADDING, UNKNOWN, MISSING, FIRST_TOKEN = 0, 1, 2, 3
LOGARITHMIC_NUMBERS = frozenset({"event_rank", "time_delta", "price_usd"})  # long-tailed and never negative


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Token ids per category column: 0 = padding, 1 = unknown, 2 = missing, then the tokens, most frequent first."""

    tokens: Mapping[str, Sequence[str]]

    @staticmethod
    def fit(sequences: SequenceSet, columns: Sequence[str], min_count: int = 5) -> "Vocabulary":
        """Return the vocabulary of the tokens that occur at least `min_count` times.

        Raises ValueError when the set lacks a column.
        """
        if min_count < 1:
            raise ValueError(f"min_count={min_count} must be at least 1")
        if lacking := [column for column in columns if column not in sequences.codes]:
            raise ValueError(f"the sequences lack the category columns {lacking}; they have {sorted(sequences.codes)}")
        return Vocabulary(tokens={column: _frequent_tokens(sequences, column, min_count) for column in columns})

    def size(self, column: str) -> int:
        """Return the number of ids of a column, the three reserved ones included."""
        return FIRST_TOKEN + len(self.tokens[column])

    def lookup(self, column: str, dictionary: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return ids (len(dictionary) + 1,) to index with window-local codes; code -1 reads the last entry, missing."""
        ids = {token: FIRST_TOKEN + index for index, token in enumerate(self.tokens[column])}
        return np.array([*(ids.get(token, UNKNOWN) for token in dictionary), MISSING], dtype=np.int32)

    def unknown_shares(self, sequences: SequenceSet) -> dict[str, float]:
        """Return per column the share of events whose token was too rare in training or not seen there."""
        shares = {}
        for column in self.tokens:
            ids = self.lookup(column, sequences.dictionaries[column])[sequences.codes[column]]
            shares[column] = float(np.mean(ids == UNKNOWN)) if len(ids) else 0.0
        return shares

    def to_json(self) -> dict[str, Any]:
        """Return a value that json can write."""
        return {column: list(tokens) for column, tokens in self.tokens.items()}

    @staticmethod
    def from_json(value: Mapping[str, Sequence[str]]) -> "Vocabulary":
        """Return the vocabulary that `to_json` wrote."""
        return Vocabulary(tokens={column: list(tokens) for column, tokens in value.items()})


@dataclass(frozen=True, kw_only=True)
class NumberScaling:
    """Mean and standard deviation of each number column in training, after log(1 + x) for the long-tailed ones."""

    means: Mapping[str, float]
    deviations: Mapping[str, float]

    @staticmethod
    def fit(sequences: SequenceSet, columns: Sequence[str]) -> "NumberScaling":
        """Return the scaling of the columns; NULLs are left out, a constant column keeps deviation 1.

        Raises ValueError when the set lacks a column.
        """
        if lacking := [column for column in columns if column not in sequences.numbers]:
            raise ValueError(f"the sequences lack the number columns {lacking}; they have {sorted(sequences.numbers)}")
        means, deviations = {}, {}
        for column in columns:
            known = _unskew(column, sequences.numbers[column])
            known = known[np.isfinite(known)].astype(np.float64)
            deviation = float(known.std()) if len(known) else 0.0
            means[column] = float(known.mean()) if len(known) else 0.0
            deviations[column] = deviation if deviation > 1e-6 else 1.0
        return NumberScaling(means=means, deviations=deviations)

    def apply(self, column: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return standardised values of the same shape; NULL becomes 0, the mean."""
        centred = _unskew(column, values) - np.float32(self.means[column])
        scaled: npt.NDArray[np.float32] = centred / np.float32(self.deviations[column])
        return np.where(np.isfinite(scaled), scaled, np.float32(0.0))

    def invert(self, column: str, scaled: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the values that `apply` standardised, to a relative 1e-5; what was NULL comes back as the mean."""
        values = scaled.astype(np.float64) * self.deviations[column] + self.means[column]
        return np.expm1(values) if column in LOGARITHMIC_NUMBERS else values

    def to_json(self) -> dict[str, Any]:
        """Return a value that json can write."""
        return {"means": dict(self.means), "deviations": dict(self.deviations)}

    @staticmethod
    def from_json(value: Mapping[str, Mapping[str, float]]) -> "NumberScaling":
        """Return the scaling that `to_json` wrote."""
        return NumberScaling(means=dict(value["means"]), deviations=dict(value["deviations"]))


def _frequent_tokens(sequences: SequenceSet, column: str, min_count: int) -> list[str]:
    dictionary = sequences.dictionaries[column]
    codes = sequences.codes[column]
    counts = np.bincount(codes[codes >= 0], minlength=len(dictionary))
    frequent = [(-int(count), token) for token, count in zip(dictionary, counts, strict=True) if count >= min_count]
    return [token for _, token in sorted(frequent)]


def _unskew(column: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    if column not in LOGARITHMIC_NUMBERS:
        return np.asarray(values, dtype=np.float32)
    return np.log1p(np.maximum(values, np.float32(0.0)), dtype=np.float32)
