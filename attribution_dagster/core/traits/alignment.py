"""Successive windows made comparable: embeddings turned onto those before, traits matched with those before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.traits.factors import matched
from attribution_dagster.core.traits.vectors import ItemVectors

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """The rotation of new embeddings onto old ones, and the mean cosine of a token with itself, before and after.

    Cosines are of every second common token; the rotation was found on the others. None with too few common tokens.
    """

    rotation: Floats  # (D, D)
    common: int
    before: float | None
    after: float | None


def align(new: ItemVectors, old: ItemVectors) -> Alignment:
    """The orthogonal Procrustes rotation (Schoenemann 1966) of the unit vectors of common tokens; the identity without any.

    Raises:
        ValueError: the two have different dimensions.
    """
    from scipy.linalg import orthogonal_procrustes

    width = new.vectors.shape[1]
    if width != old.vectors.shape[1]:
        raise ValueError(f"vectors of {width} dimensions can't be turned onto vectors of {old.vectors.shape[1]}")
    rows_new, rows_old = _common(new.tokens, old.tokens)
    a, b = (v.unit[rows].astype(np.float64) for v, rows in ((new, rows_new), (old, rows_old)))
    if len(a) < 2:
        return Alignment(rotation=np.eye(width), common=len(a), before=None, after=None)
    trial, _ = orthogonal_procrustes(a[::2], b[::2])
    before, after = (float((turned[1::2] * b[1::2]).sum(axis=1).mean()) for turned in (a, a @ trial))
    rotation, _ = orthogonal_procrustes(a, b)
    return Alignment(rotation=rotation, common=len(a), before=before, after=after)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A trait and the one before that it is: its place there and the cosine of what the two load on; None where it is new."""

    trait: int
    previous: int | None
    similarity: float | None


def match_traits(new: Floats, old: Floats, names: Sequence[str], old_names: Sequence[str], least: float) -> list[Kept]:
    """Each trait's predecessor, by the assignment of largest total cosine of their shares of items, if that is at least `least`.

    Args:
        new: what each trait loads on, shape (K, C), over the columns `names`; `old` likewise.
    """
    everything = sorted({*names, *old_names})
    place = {name: number for number, name in enumerate(everything)}
    spread = []
    for shares, columns in ((new, names), (old, old_names)):
        wide = np.zeros((len(shares), len(everything)))
        wide[:, [place[name] for name in columns]] = shares
        spread.append(wide)
    partner, cosine = matched(*spread)
    return [
        Kept(trait=t, previous=int(p), similarity=float(c)) if p >= 0 and c >= least else Kept(trait=t, previous=None, similarity=None)
        for t, (p, c) in enumerate(zip(partner, cosine, strict=True))
    ]  # fmt: skip


def identities(kept: Sequence[Kept], window: str, before: Mapping[int, str]) -> dict[int, str]:
    """Trait -> the name it keeps over windows: its predecessor's, or, of a new one, its window and number."""
    return {
        each.trait: before.get(-1 if each.previous is None else each.previous, f"{window}/{each.trait}")
        for each in kept
    }


def _common(new: Sequence[str], old: Sequence[str]) -> tuple[Ints, Ints]:
    place = {token: row for row, token in enumerate(old)}
    pairs = [(row, place[token]) for row, token in enumerate(new) if token in place]
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]
