"""Bias and interval coverage of every estimator of what ads added, over simulated worlds: docs/ads-evidence.md.

python -m attribution_dagster_tests.verify.journeys [--worlds 20] [--users 1500]
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from attribution_dagster.core.journeys.estimates import TRUSTS, Row, design_estimates, model_estimates
from attribution_dagster.core.journeys.journeys import Journeys
from attribution_dagster.core.journeys.lstm import JourneySpec
from attribution_dagster.core.journeys.training import (
    JourneyTraining,
    resample_users,
    split_by_time,
    train_journeys,
)
from attribution_dagster.core.simulation.ads_world import AdsWorld
from attribution_dagster_tests.journeys.world import Built, build

DOC = Path("docs/ads-evidence.md")
HIDDEN = (0.0, 0.3, 0.6)
MEMBERS = 4


def main() -> int:
    """0 if every requirement is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--users", type=int, default=1500)
    parser.add_argument("--figures", type=Path, default=None, help="CSV file for every estimate of every world")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for hidden in HIDDEN:
        for seed in range(options.worlds):
            built = build(AdsWorld(hidden=hidden), users=options.users, weeks=5, seed=seed)
            found += [_judged(row, built, hidden, seed) for row in estimate_all(built, seed)]
            print(f"hidden {hidden:.0%}, world {seed}: {_line(found, hidden, seed)}", flush=True)
    frame = pd.DataFrame(found)
    if options.figures is not None:
        frame.to_csv(options.figures, index=False)
    requirements = _requirements(frame)
    DOC.write_text(_document(frame, requirements, options.worlds, options.users))
    for said, met in requirements:
        print(f"{'met    ' if met else 'NOT MET'}  {said}")
    return 0 if all(met for _, met in requirements) else 1


def estimate_all(built: Built, seed: int) -> list[Row]:
    """Every estimator's rows, the models trained on the world's own journeys."""
    journeys = built.journeys
    naive = [_train(journeys, seed, uses_intent=False)]
    adjusted = [_train(journeys, seed, uses_intent=True)]
    adjusted += [_train(resample_users(journeys, 100 * seed + k), seed, uses_intent=True) for k in range(MEMBERS)]
    return [
        *design_estimates(journeys, built.auctions, built.days_ratio),
        *model_estimates("naive_model", naive, journeys, seed),
        *model_estimates("adjusted_model", adjusted, journeys, seed),
    ]


def _train(journeys: Journeys, seed: int, *, uses_intent: bool):  # type: ignore[no-untyped-def]
    train, validation = split_by_time(journeys)
    spec = JourneySpec(uses_intent=uses_intent)
    return train_journeys(train, validation, spec, JourneyTraining(), seed=seed).model


def _judged(row: Row, built: Built, hidden: float, seed: int) -> dict[str, object]:
    truth, estimate = built.added(row.campaign), row.estimate
    return {
        "hidden": hidden, "seed": seed, "campaign": row.campaign or "all ads", "estimator": row.estimator, "truth": truth,
        "value": estimate.value, "error": estimate.error, "covered": estimate.low <= truth <= estimate.high,
        "null": estimate.low <= 0 <= estimate.high, "all": built.added(),
    }  # fmt: skip


def _line(found: Sequence[dict[str, object]], hidden: float, seed: int) -> str:
    here = [f for f in found if (f["hidden"], f["seed"], f["campaign"]) == (hidden, seed, "all ads")]
    return f"planted {here[0]['truth']:.0f}; " + ", ".join(f"{f['estimator']} {f['value']:.0f}" for f in here)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean relative bias, its standard error over worlds, mean absolute error and coverage, per hidden share and estimator, over all ads."""
    whole = frame[frame["campaign"] == "all ads"].copy()
    whole["relative"] = whole["value"] / whole["truth"] - 1
    whole["half_width"] = 1.96 * whole["error"] / whole["truth"]
    grouped = whole.groupby(["hidden", "estimator"])
    return pd.DataFrame(
        {
            "bias": grouped["relative"].mean(),
            "bias_error": grouped["relative"].sem(),
            "size": grouped["relative"].apply(lambda r: float(np.abs(r).mean())),
            "half_width": grouped["half_width"].mean(),
            "coverage": grouped["covered"].mean(),
        }
    )


def _requirements(frame: pd.DataFrame) -> list[tuple[str, bool]]:
    table = summary(frame)
    naive, adjusted = abs(table.loc[(0.0, "naive_model"), "bias"]), abs(table.loc[(0.0, "adjusted_model"), "bias"])
    robust = abs(table.loc[(0.0, "doubly_robust"), "bias"])
    worse = [abs(table.loc[(hidden, "adjusted_model"), "bias"]) for hidden in HIDDEN]
    control = frame[(frame["campaign"] == AdsWorld().negative_control) & (frame["hidden"] == 0.0)]
    nulls = control[control["estimator"] == "doubly_robust"]["null"].mean()
    return [
        (
            f"nothing hidden: adjusting at least halves the naive model's bias ({naive:.0%} to {adjusted:.0%})",
            adjusted <= naive / 2,
        ),
        (f"nothing hidden: so does the doubly robust estimate ({robust:.0%})", robust <= naive / 2),
        (
            f"the more is hidden, the worse the adjusted estimate ({', '.join(f'{w:.0%}' for w in worse)})",
            worse == sorted(worse),
        ),
        (
            f"nothing hidden: the negative control is null for the doubly robust estimate ({nulls:.0%} of worlds, at least 85 %)",
            nulls >= 0.85,
        ),
    ]


def _document(frame: pd.DataFrame, requirements: Sequence[tuple[str, bool]], worlds: int, users: int) -> str:
    table = summary(frame)
    lines = [
        "# What ads added: estimators against planted truth",
        "",
        f"Made by `python -m attribution_dagster_tests.verify.journeys --worlds {worlds} --users {users}`: for each share of intent that no log shows,",
        f"{worlds} simulated worlds of {users:,} users and four weeks of journeys. Bias is of all ads' purchases, relative to the planted ones, with its",
        "standard error over the worlds. Half width is that of the 95 % interval; coverage, the share of worlds in which it held the planted number.",
        "",
        "| hidden | estimator | bias | mean distance | half width | coverage |",
        "|---:|---|---:|---:|---:|---:|",
        *_rows(table),
        "",
        "What each trusts: " + "; ".join(f"`{name}`, {what}" for name, what in TRUSTS.items()) + ".",
        "",
        "By campaign, nothing hidden: mean planted and estimated purchases, and the share of worlds in which the interval held the planted number.",
        "",
        *_campaigns(frame[frame["hidden"] == 0.0]),
        "",
        f"`{AdsWorld().negative_control}` is the negative control: it does nothing. The last table says how often an interval rightly held zero.",
        "",
        *_controls(frame),
        "",
        "| requirement | |",
        "|---|---|",
        *(f"| {said} | {'met' if met else '**not met**'} |" for said, met in requirements),
    ]
    return "\n".join(lines) + "\n"


def _rows(table: pd.DataFrame) -> Iterable[str]:
    for hidden in HIDDEN:
        for estimator in TRUSTS:
            r = table.loc[(hidden, estimator)]
            yield (
                f"| {hidden:.0%} | {estimator} | {r['bias']:+.0%} ± {r['bias_error']:.0%} | {r['size']:.0%} | {r['half_width']:.0%} "
                f"| {r['coverage']:.0%} |"
            )


def _campaigns(frame: pd.DataFrame) -> Iterable[str]:
    shown = ("naive_difference", "adjusted_model", "doubly_robust", "lost_auctions")
    yield "| campaign | planted | " + " | ".join(shown) + " |"
    yield "|---|---:|" + "---:|" * len(shown)
    for campaign, of in frame[frame["campaign"] != "all ads"].groupby("campaign"):
        cells = []
        for name in shown:
            each = of[of["estimator"] == name]
            cells.append(f"{each['value'].mean():.0f} ({each['covered'].mean():.0%})")
        yield f"| {campaign} | {of['truth'].mean():.0f} | " + " | ".join(cells) + " |"


def _controls(frame: pd.DataFrame) -> Iterable[str]:
    control = frame[frame["campaign"] == AdsWorld().negative_control]
    yield "| hidden | " + " | ".join(TRUSTS) + " |"
    yield "|---:|" + "---:|" * len(TRUSTS)
    for hidden in HIDDEN:
        of = control[control["hidden"] == hidden]
        cells = [f"{of[of['estimator'] == name]['null'].mean():.0%}" for name in TRUSTS]
        yield f"| {hidden:.0%} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
