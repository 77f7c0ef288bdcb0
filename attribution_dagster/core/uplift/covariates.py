"""What was known of each unit before the treatment, as the matrix that learners read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from attribution_dagster.core.uplift.base_models import Floats

RARE_SHARE = 0.005
"""Share of the units below which a level of a category counts as `other`."""
OTHER, MISSING = "other", "missing"


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """x (N, K), all finite, and the names (K,) of its columns."""

    x: Floats
    names: tuple[str, ...]


def covariates(
    numbers: Mapping[str, Sequence[float | None]], categories: Mapping[str, Sequence[str | None]]
) -> Covariates:
    """Return the matrix: numbers as they are, a missing one by the mean and marked in a column of its own; categories one-hot.

    Neither looks at arms or outcomes. Each argument maps a covariate to its values (N,).

    Raises:
        ValueError: a number without any value.
    """
    columns: dict[str, Floats] = {}
    for name, values in numbers.items():
        column = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        missing = ~np.isfinite(column)
        if missing.all():
            raise ValueError(f"covariate {name} has no value in any unit: take it out, or correct its column")
        columns[name] = np.where(missing, column[~missing].mean(), column)
        if missing.any():
            columns[f"{name}: {MISSING}"] = missing.astype(np.float64)
    for name, texts in categories.items():
        levels = np.array([MISSING if text is None else text for text in texts], dtype=object)
        found, counts = np.unique(levels.astype(str), return_counts=True)
        common = {str(level) for level, n in zip(found, counts, strict=True) if n >= RARE_SHARE * len(levels)}
        grouped = np.array([level if level in common else OTHER for level in levels.astype(str)])
        for level in np.unique(grouped):
            columns[f"{name}: {level}"] = (grouped == level).astype(np.float64)
    return Covariates(x=np.column_stack(list(columns.values())), names=tuple(columns))
