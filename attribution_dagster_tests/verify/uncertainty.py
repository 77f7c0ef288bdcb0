"""Whether errors, intervals and p say what they claim, with one model and its attributions fixed.

Labels permuted by user: then no group of events differs between converted and other sessions, and 5 % of the centred lifts may have p < .05.
Users resampled: 95 % of the intervals of mean effects may cover the mean of the population they are drawn from, which is known. Neither
says anything about another training, or about planted effects.

python -m attribution_dagster_tests.verify.uncertainty [--users 10000] [--repetitions 1000] [--keep FOLDER]
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from attribution_dagster.cli.progress import TerminalProgress
from attribution_dagster.core.signals import MINIMUM_SUPPORT_USERS
from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.verify.population import Population
from attribution_dagster_tests.verify.world import EXPLAINED, run_world

DOC = Path("docs/evidence.md")
REPETITIONS = 1000
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How often something was so, by group of events, over repetitions.

    table: granularity, tests, hits of each group that was ever tested.
    """

    repetitions: int
    table: pd.DataFrame

    @property
    def binomial_error(self) -> float:
        """Standard error of a share of the repetitions whose truth is .05: groups of one repetition hang together and count once."""
        return float(np.sqrt(LEVEL * (1 - LEVEL) / self.repetitions))

    @property
    def pooled(self) -> float:
        """Share of all tests."""
        return float(self.table["hits"].sum() / self.table["tests"].sum())


def false_positives(population: Population, repetitions: int, seed: int = 0, of: str = "effect") -> Rates:
    """How often a lift of effects (or of shares) has p < .05 when labels are permuted by user and attributions stay; rows that have a p only."""
    rng = np.random.default_rng(seed)
    hits, tested = [], []
    for _ in range(repetitions):
        with np.errstate(invalid="ignore", divide="ignore"):  # groups that only one side has
            lift, error, users = population.lifts(population.permuted(rng), of)
            hits.append(np.abs(lift) > Z_95 * error)
        tested.append(users >= MINIMUM_SUPPORT_USERS)
    return _rates(population, np.array(hits), np.array(tested))


def coverage(population: Population, repetitions: int, seed: int = 0) -> Rates:
    """How often the interval of a mean effect covers the population's, over resamples of as many users; rows with minimum support only."""
    rng = np.random.default_rng(seed)
    true, _, _ = population.effects(np.ones(population.users))
    hits, tested = [], []
    for _ in range(repetitions):
        drawn = np.bincount(rng.integers(0, population.users, population.users), minlength=population.users)
        with np.errstate(invalid="ignore", divide="ignore"):  # groups of which nobody was drawn
            mean, error, users = population.effects(drawn)
            hits.append(np.abs(mean - true) <= Z_95 * error)
        tested.append(users >= MINIMUM_SUPPORT_USERS)
    return _rates(population, np.array(hits), np.array(tested))


def _rates(population: Population, hits: np.ndarray, tested: np.ndarray) -> Rates:
    """hits, tested: (R, G)."""
    hits = hits & tested
    table = pd.DataFrame(
        {
            "granularity": [name[0] for name in population.names],
            "tests": tested.sum(axis=0),
            "hits": hits.sum(axis=0),
        }
    )
    return Rates(repetitions=len(hits), table=table[table["tests"] > 0])


ACTIVITIES = ("equal", "lognormal")


def few_users(users: int, activity: str, samples: int = 20_000) -> tuple[int, str, float, float]:
    """How often p < .05 for a mean that is truly 0: with the published error, and with the factor G / (G - 1) instead.

    Users have 5 occurrences each, or lognormal numbers (sigma 1); their means differ (sd .5), and so do occurrences (sd .3).
    """
    rng = np.random.default_rng([users, len(activity)])
    n = np.full((samples, users), 5.0)
    if activity == "lognormal":
        n = np.ceil(np.exp(rng.normal(1.5, 1.0, n.shape)))
    sums = n * rng.normal(0, 0.5, n.shape) + np.sqrt(n) * rng.normal(0, 0.3, n.shape)
    total = n.sum(axis=1, keepdims=True)
    mean = sums.sum(axis=1, keepdims=True) / total
    squares = (sums - mean * n) ** 2
    published = np.sqrt((squares / (1 - n / total)).sum(axis=1)) / total[:, 0]
    plain = np.sqrt(squares.sum(axis=1) * users / (users - 1)) / total[:, 0]
    return users, activity, *(float((np.abs(mean[:, 0]) > Z_95 * error).mean()) for error in (published, plain))


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Both experiments on one explained window."""

    users: int
    sessions: int
    false: Rates
    false_of_shares: Rates
    covered: Rates
    small: list[tuple[int, str, float, float]]


def examine(workspace: Workspace, repetitions: int = REPETITIONS) -> Findings:
    """Both experiments on the explained window of a world."""
    population = Population.of(workspace.slice_of("gradient_attribution_no_funnel", EXPLAINED))
    return Findings(
        users=population.users,
        sessions=len(population.label),
        false=false_positives(population, repetitions),
        false_of_shares=false_positives(population, repetitions, of="share"),
        covered=coverage(population, repetitions),
        small=[few_users(users, activity) for users in (30, 100, 500) for activity in ACTIVITIES],
    )


def requirements(found: Findings) -> list[tuple[str, bool]]:
    """What must hold, with the figures, and whether it does."""
    false, covered = found.false, found.covered
    off = abs(false.pooled - LEVEL)
    return [
        (
            f"labels permuted by user, attributions fixed: 5 % of centred lifts have p < .05, within two binomial errors of "
            f"{false.repetitions:,} repetitions (± {2 * false.binomial_error:.2%}): {false.pooled:.2%} of {false.table['tests'].sum():,} tests",
            off <= 2 * false.binomial_error,
        ),
        (
            f"95 % intervals cover the fixed model's population mean in 92 % to 98 %: {covered.pooled:.2%} of "
            f"{covered.table['tests'].sum():,} intervals",
            0.92 <= covered.pooled <= 0.98,
        ),
    ]


def section(found: Findings) -> list[str]:
    """The lines of the page's section, without its heading."""
    false, covered = (
        rates.table.groupby("granularity", sort=False)[["tests", "hits"]].sum()
        for rates in (found.false, found.covered)
    )
    rows = [
        f"| {name} | {false['tests'].get(name, 0):,} | {_percent(false, name)} | {covered['tests'].get(name, 0):,} | {_percent(covered, name)} |"
        for name in covered.index
    ]
    return [
        f"One model and its attributions of {found.sessions:,} sessions of {found.users:,} users (the first world), fixed; "
        f"{found.false.repetitions:,} repetitions each. *False positives*: every user is given another user's labels, so that no lift is real; "
        f"share of centred lifts with p < .05 among groups with {MINIMUM_SUPPORT_USERS} users on either side. *Coverage*: as many users are drawn "
        "with replacement; share of 95 % intervals of the mean effect that hold the mean of all users, among groups with "
        f"{MINIMUM_SUPPORT_USERS} users. This is coverage of what this model says of the population, not of another training's or the "
        "planted effect.",
        "",
        *(f"- {'met' if met else '**not met**'}: {said}" for said, met in requirements(found)),
        "",
        "| groups by | lifts tested | p < .05 | intervals | cover |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"By group of events the false positives are between {_range(found.false)}, coverage between {_range(found.covered)} "
        "(5th and 95th percentile of the groups).",
        "",
        "A share somewhat above 5 % is no accident of the draw: with few and unequally active users p is a little too small "
        "(last table). The bound counts the groups of one repetition once, because they hang together; counted one by one, the "
        "excess would be significant.",
        "",
        f"Lifts of shares have no p: with the same permuted labels {found.false_of_shares.pooled:.1%} of them would be below .05, and of "
        f"event types up to {_worst(found.false_of_shares):.0%}. Shares are too skewed: a session of one event gives it 1, whatever it is.",
        "",
        "Few users, a mean that is truly 0: share of samples with p < .05, with the published error (CR2) and with the factor G / (G - 1).",
        "",
        "| users | occurrences by user | published | G / (G - 1) |",
        "|---|---|---|---|",
        *(f"| {users} | {activity} | {cr2:.1%} | {plain:.1%} |" for users, activity, cr2, plain in found.small),
        "",
    ]


def _worst(rates: Rates) -> float:
    """The highest rate of an event type."""
    table = rates.table[rates.table["granularity"] == "event_type"]
    return float((table["hits"] / table["tests"]).max())


def _percent(table: pd.DataFrame, name: str) -> str:
    return f"{table['hits'][name] / table['tests'][name]:.1%}" if name in table.index else ""


def _range(rates: Rates) -> str:
    often = rates.table[rates.table["tests"] >= rates.table["tests"].max() / 2]
    low, high = np.quantile(often["hits"] / often["tests"], [0.05, 0.95])
    return f"{low:.1%} and {high:.1%}"


def write_section(title: str, lines: Sequence[str]) -> None:
    """Replaces the section of the page, or adds it at the end."""
    page = DOC.read_text()
    new = "\n".join([f"## {title}", "", *lines]).rstrip() + "\n"
    kept = re.sub(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", lambda _: new + "\n", page, count=1, flags=re.M | re.S)
    DOC.write_text((kept if kept != page or new in page else f"{page.rstrip()}\n\n{new}").rstrip() + "\n")


def main() -> int:
    """0 if both requirements are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--keep", type=Path, default=None, help="folder for the world; a temporary one otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, TerminalProgress(Console()) as progress:
        workspace, _ = run_world(options.keep or Path(scratch), 0, options.users, progress, ("no_funnel",))
        found = examine(workspace, options.repetitions)
        workspace.warehouse.close()
    write_section("Uncertainty", section(found))
    for said, met in requirements(found):
        print(f"{'met    ' if met else 'NOT MET'}  {said}")
    return 0 if all(met for _, met in requirements(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
