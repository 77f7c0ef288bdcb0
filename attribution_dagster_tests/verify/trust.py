"""The trust report of a window that has been run, beside those of models trained on shuffled labels. Evidence for its bounds.

python -m attribution_dagster_tests.verify.trust [--dataset marketplace] [--window KEY] [--variant no_funnel] [--shuffles 6]

Reads what `attribution run` left in ATTRIBUTION_HOME. Prints a Markdown table; 1 if the model itself fails a blocking test,
or a model that learnt noise passes them all.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from attribution_dagster.assets.sequences import open_sequences
from attribution_dagster.assets.training import open_model
from attribution_dagster.assets.trust import how_it_was_trained
from attribution_dagster.core.attribution.trust.report import TrustReport, TrustSpec, trust_report
from attribution_dagster.core.attribution.trust.retraining import Training, permuted
from attribution_dagster.resources.progress import LoggedProgress
from attribution_dagster.resources.workspace import open_workspace
from attribution_dagster.settings import Settings


def main() -> int:
    """0 if the gate tells the model from those that learnt noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="marketplace")
    parser.add_argument("--window", default=None, help="the latest explained one by default")
    parser.add_argument("--variant", default="no_funnel")
    parser.add_argument("--shuffles", type=int, default=6)
    options = parser.parse_args()
    workspace = open_workspace(options.dataset, Settings.from_environment(), LoggedProgress())
    torch.set_num_threads(workspace.settings.threads)
    key = options.window or workspace.explainable()[-1].key
    sequences = open_sequences(workspace, options.variant, key)
    risk_set = sequences.select(np.flatnonzero(sequences.in_risk_set))
    training = how_it_was_trained(workspace, options.variant, key)
    spec = TrustSpec(**workspace.profile.trust.model_dump())
    own = trust_report(open_model(workspace, options.variant, key), risk_set, training, spec)
    print(
        f"{options.dataset}, {options.variant}, {key}: {risk_set.n_sessions} sessions, {int(risk_set.label.sum())} converted; "
        f"{training.train_set.n_sessions} training sessions, {int(training.train_set.label.sum())} converted; epochs of retraining: {training.epochs}\n"
    )
    noise = [_of_noise(training, number) for number in range(1, options.shuffles + 1)]
    reports = [trust_report(each.again(each.train_set, each.validation_set, 0), risk_set, each, spec) for each in noise]
    print("\n".join(_table(own, reports)))
    print(f"\nthe model fails: {', '.join(row.test for row in own.failed) or 'nothing'}")
    for number, report in enumerate(reports, start=1):
        print(f"shuffled labels {number} fails: {', '.join(row.test for row in report.failed) or 'nothing'}")
    return int(bool(own.failed) or not all(report.failed for report in reports))


def _of_noise(training: Training, seed: int) -> Training:
    """The same training on labels dealt at random; the window keeps its own."""
    generator = np.random.default_rng(seed)
    return replace(
        training,
        train_set=permuted(training.train_set, generator),
        validation_set=permuted(training.validation_set, generator),
    )


def _table(own: TrustReport, others: Sequence[TrustReport]) -> list[str]:
    lines = ["| test | of | bound | the model | shuffled labels | of these pass |", "|---|---|---|---|---|---|"]
    for row in own.tests:
        if row.bound_low is None and row.bound_high is None:
            continue
        same = [
            r
            for o in others
            for r in o.tests
            if (r.test, r.granularity, r.method) == (row.test, row.granularity, row.method)
        ]
        bound = f"> {row.bound_low:g}" if row.bound_low is not None else f"< {row.bound_high:g}"
        values = ", ".join("–" if r.value is None else f"{r.value:.2f}" for r in same)
        name = f"**{row.test}**" if row.blocking else row.test
        interval = "" if row.value_low is None else f" ({row.value_low:.3f} to {row.value_high:.3f})"
        value = "–" if row.value is None else f"{row.value:.3f}{interval}"
        lines.append(
            f"| {name} | {row.granularity} | {bound} | {value} | {values} | {sum(r.passed is True for r in same)} of {len(same)} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
