"""What models that were trained otherwise say of the same effects: a test for each way of training."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.trust.criteria import TrustTest, judged
from attribution_dagster.core.attribution.trust.effects import OCCURRENCE, groupings, rank_correlation
from attribution_dagster.core.attribution.trust.subject import Subject
from attribution_dagster.core.sequences.sequence_set import SequenceSet

LEAST_NAMES = 5
"""Names below which a rank correlation is reported, and not judged: of three, one order in six is right by chance."""
_Floats = npt.NDArray[np.float64]


def halves(
    subject: Subject, of_halves: Sequence[tuple[Mapping[str, _Floats], ...]], enough: bool, *, blocking: bool
) -> list[TrustTest]:
    """Return how alike the effects of models on complementary halves of the users rank, by granularity."""
    pairs = [(one, other) for one, other in of_halves]
    rows = correlations("halves", subject.name, pairs, list(subject.effects), enough)
    return [replace(row, blocking=row.blocking and blocking) for row in rows]


def noise(subject: Subject, of_noise: Sequence[Mapping[str, _Floats]], enough: bool) -> list[TrustTest]:
    """Return how alike effects learnt from permuted labels are, and how much larger the model's own are than those."""
    pairs = [(subject.effects, each) for each in of_noise]
    rows = correlations("label_randomisation", subject.name, pairs, unsigned=True)
    size = float(subject.effects[OCCURRENCE].std())
    ratios = [size / max(float(each[OCCURRENCE].std()), 1e-12) for each in of_noise]
    mean = size / max(float(np.mean([each[OCCURRENCE].std() for each in of_noise])), 1e-12)
    return [
        *rows,
        judged("above_noise", OCCURRENCE, mean, min(ratios), max(ratios), method=subject.name, enough=enough),
    ]


def where_known(subject: Subject, window: SequenceSet, effects: Mapping[str, _Floats]) -> dict[str, _Floats]:
    """Return the effects that a window's model gives, NaN for what occurs too seldom in the window to have been learnt there."""
    there = groupings(window, subject.model.encode(window))
    return {
        granularity: np.where(np.isin(grouping.names, there[granularity].names), effects[granularity], np.nan)
        for granularity, grouping in subject.groups.items()
    }


def windows(subject: Subject, of_windows: Sequence[Mapping[str, _Floats]], enough: bool) -> list[TrustTest]:
    """Return how alike the effects of models on single windows rank, by granularity; NaN where one can't know."""
    found = []
    for granularity in subject.groups:
        both = [(subject.effects[granularity], each[granularity]) for each in of_windows]
        known = [~np.isnan(theirs) for _, theirs in both]
        pairs = [
            ({granularity: ours[where]}, {granularity: theirs[where]})
            for (ours, theirs), where in zip(both, known, strict=True)
        ]
        found += correlations("window_stability", subject.name, pairs, [granularity], enough)
    return found


def correlations(
    test: str,
    method: str,
    pairs: Sequence[tuple[Mapping[str, _Floats], Mapping[str, _Floats]]],
    granularities: Sequence[str] | None = None,
    enough: bool = True,
    *,
    unsigned: bool = False,
) -> list[TrustTest]:
    """Return a row per granularity: the mean of the pairs' rank correlations, and the lowest and highest; `unsigned`: of their sizes."""
    rows = []
    for granularity in granularities if granularities is not None else list(pairs[0][0]):
        each = [rank_correlation(one[granularity], other[granularity]) for one, other in pairs]
        known = [abs(value) if unsigned else value for value in each if value is not None]
        figures = (float(np.mean(known)), min(known), max(known)) if known else (None, None, None)
        names = max((len(one[granularity]) for one, _ in pairs), default=0)
        rows.append(judged(test, granularity, *figures, method=method, enough=enough and names >= LEAST_NAMES))
    return rows
