"""Whether an experiment may be believed: arms of the planned size, alike before the treatment, and no effect where there can be none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.core.uplift.base_models import Floats, Ints

SAMPLE_RATIO_ALPHA = 0.001
"""Below this the arms are not of the planned size: it takes strong evidence, because the test is asked of every experiment."""
MAX_DIFFERENCE = 0.1
"""Standardised difference of a covariate from which arms are not alike (Austin, Statistics in Medicine 2009)."""
BALANCE_ALPHA = 0.001
_NO_VARIANCE, _NO_DIFFERENCE = 1e-9, 1e-6
"""What rounding leaves of the variance of a combination that is constant, as a share of the largest, and of its difference in standard deviations."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """One test of the assignment: its figure, p-value, and whether it passed; blocking ones invalidate the experiment."""

    test: str
    name: str
    value: float
    p_value: float | None
    passed: bool
    blocking: bool
    meaning: str


def sample_ratio(counts: Mapping[str, int], planned: Mapping[str, float]) -> Test:
    """Return the test that the arms hold the planned shares of the units: chi-square.

    planned: arm -> share, in any unit. Raises ValueError if the arms are not the planned ones.
    """
    from scipy.stats import chisquare

    if set(counts) != set(planned):
        raise ValueError(f"arms {', '.join(sorted(counts))} are not the planned {', '.join(sorted(planned))}")
    arms = sorted(counts)
    observed = np.array([counts[arm] for arm in arms], dtype=np.float64)
    share = np.array([planned[arm] for arm in arms], dtype=np.float64)
    found = chisquare(observed, observed.sum() * share / share.sum())
    p_value = float(found.pvalue)
    return Test(
        test="sample_ratio",
        name=" : ".join(arms),
        value=float(found.statistic),
        p_value=p_value,
        passed=p_value >= SAMPLE_RATIO_ALPHA,
        blocking=True,
        meaning=f"Chi-square of the arms' sizes against the plan; p below {SAMPLE_RATIO_ALPHA} means that units got lost, or into the wrong arm.",
    )


def balance(x: Floats, names: Sequence[str], treated: Ints) -> list[Test]:
    """Return a test per covariate: the difference of its means in standard deviations; blocking from a tenth on.

    They are those within the arms; where a covariate is constant in both, that over all units: 0 only if the two constants are one.
    """
    from scipy.stats import norm

    under, control = x[treated == 1], x[treated == 0]
    gap = under.mean(axis=0) - control.mean(axis=0)
    variances = under.var(axis=0, ddof=1), control.var(axis=0, ddof=1)
    within = np.sqrt((variances[0] + variances[1]) / 2)
    spread = np.where(within > 0, within, x.std(axis=0))
    error = np.sqrt(variances[0] / len(under) + variances[1] / len(control))
    difference = np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)
    z = np.divide(gap, error, out=np.where(gap == 0, 0.0, np.inf), where=error > 0)
    return [
        Test(
            test="balance",
            name=name,
            value=float(value),
            p_value=float(p),
            passed=abs(float(value)) < MAX_DIFFERENCE,
            blocking=True,
            meaning=f"Mean of the treated minus that of the control, in standard deviations; {MAX_DIFFERENCE} is too much.",
        )
        for name, value, p in zip(names, difference, 2 * norm.sf(np.abs(z)), strict=True)
    ]


def overall_balance(x: Floats, treated: Ints) -> Test:
    """Return the test that no linear combination of the covariates tells the arms apart: Hotelling's T-squared, as chi-square."""
    from scipy.stats import chi2

    scale = x.std(axis=0)
    scaled = x / np.where(scale > 0, scale, 1.0)  # or a covariate in millions hides those in shares
    under, control = scaled[treated == 1], scaled[treated == 0]
    gap = under.mean(axis=0) - control.mean(axis=0)
    covariance = np.atleast_2d(np.cov(under, rowvar=False) / len(under) + np.cov(control, rowvar=False) / len(control))
    variances, axes = np.linalg.eigh(covariance)
    along = axes.T @ gap
    # One-hot columns sum to one: only combinations that vary are tested.
    varies = variances > _NO_VARIANCE * variances.max()
    statistic = float(np.sum(along[varies] ** 2 / variances[varies]))
    # One that is constant in both arms, and another constant in each, tells them apart for certain.
    is_told = bool((np.abs(along[~varies]) > _NO_DIFFERENCE).any())
    p_value = 0.0 if is_told else float(chi2.sf(statistic, max(int(varies.sum()), 1)))
    return Test(
        test="overall_balance",
        name="all covariates",
        value=statistic,
        p_value=p_value,
        passed=p_value >= BALANCE_ALPHA,
        blocking=False,
        meaning=f"All covariates together (Hotelling); p below {BALANCE_ALPHA} means that the arms differ before the treatment.",
    )


def a_a(y: Ints, treated: Ints, *, repeats: int = 1000, seed: int = 0) -> Test:
    """Return the A/A test: the control arm is split at random, again and again, and tested; about 5 % must come out significant.

    The value is the share of splits with p < .05 of the very test that judges the effect (two proportions, unpooled).
    """
    from scipy.stats import binom

    control = y[treated == 0].astype(np.float64)
    generator = np.random.default_rng(seed)
    significant = 0
    for _ in range(repeats):
        side = generator.permutation(len(control)) < len(control) // 2
        _, error, gap = two_rates(control[side], control[~side])
        significant += bool(error > 0 and abs(gap) > Z_95 * error)
    low, high = binom.ppf([0.0005, 0.9995], repeats, 0.05) / repeats
    value = significant / repeats
    return Test(
        test="a_a",
        name=f"{repeats} splits of the control",
        value=value,
        p_value=None,
        passed=bool(low <= value <= high),
        blocking=False,
        meaning=f"Share of A/A comparisons that come out significant at .05; {low:.3f} to {high:.3f} is chance.",
    )


def two_rates(under: npt.NDArray[np.float64], control: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the control's mean, the standard error of the difference (unpooled), and the difference of two means."""
    error = np.sqrt(under.var(ddof=1) / len(under) + control.var(ddof=1) / len(control))
    return float(control.mean()), float(error), float(under.mean() - control.mean())
