"""Do intervals over models trained on other users hold the planted effects? And do those of one model?

python -m attribution_dagster_tests.verify.retraining [--seeds 5] [--users 2000] [--first 10]

Each seed is a world of its own, run through the whole graph. Prints a Markdown table; 1 if the former cover less than 90 %
of the planted effects, or call more than one null in ten a finding.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd
from rich.console import Console

from attribution_dagster.cli.progress import TerminalProgress
from attribution_dagster.core.signals import SIGNIFICANCE
from attribution_dagster.core.uncertainty import Z_95
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.verify.world import EXPLAINED, judge_world, run_world

COVERAGE, FALSE_FINDINGS = 0.90, 0.10


def main() -> int:
    """0 if the intervals over retrained models hold what they promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--first", type=int, default=10, help="the first seed")
    options = parser.parse_args()
    worlds = []
    with tempfile.TemporaryDirectory() as scratch, TerminalProgress(Console()) as progress:
        for seed in range(options.first, options.first + options.seeds):
            workspace, truth = run_world(Path(scratch), seed, options.users, progress, ("no_funnel",))
            worlds.append(_effects(workspace, truth, seed))
            workspace.warehouse.close()
    effects = pd.concat(worlds)
    print("\n".join(_table(effects)))
    nulls = effects[effects["is_null"]]
    met = effects["covered"].mean() >= COVERAGE and nulls["found"].mean() <= FALSE_FINDINGS
    print("\nmet" if met else "\nNOT MET")
    return int(not met)


def _effects(workspace: Workspace, truth: Path, seed: int) -> pd.DataFrame:
    """Event types of one world: whether each kind of interval holds the planted effect, and whether it would be a finding."""
    types = judge_world(workspace, truth, seed).types.set_index("event_type")
    spread = workspace.slice_of("attribution_spread_no_funnel", EXPLAINED).to_pandas()
    spread = spread[spread["granularity"] == "event_type"].set_index("name")
    table = workspace.slice_of("transformer_event_attribution_no_funnel", EXPLAINED).to_pandas().set_index("event_type")
    both = types.join(
        spread[["retraining_error", "retraining_high", "mean_centred_effect", "retraining_q"]], how="inner"
    )
    both = both.join(table[["standard_error"]])
    apart = both["estimated_centred"] - both["planted_centred"]
    both["covered"] = apart.abs() <= both["retraining_high"] - both["mean_centred_effect"]
    both["covered_by_one_model"] = apart.abs() <= Z_95 * both["standard_error"]
    both["in_errors"] = apart / both["retraining_error"]
    both["found"] = both["retraining_q"] < SIGNIFICANCE
    return both.reset_index().assign(world=seed)


def _table(effects: pd.DataFrame) -> list[str]:
    lines = [
        "| seed | event types | planted effect inside the retraining interval | inside that of one model "
        "| distance in retraining errors, median | 95 % | largest | effects found | nulls found |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in [*effects.groupby("world"), ("all", effects)]:
        real, nulls = rows[~rows["is_null"]], rows[rows["is_null"]]
        lines.append(
            f"| {name} | {len(rows)} | {rows['covered'].mean():.1%} | {rows['covered_by_one_model'].mean():.1%} | "
            f"{_distances(rows['in_errors'])} | {real['found'].sum()} of {len(real)} | {nulls['found'].sum()} of {len(nulls)} |"
        )
    return lines


def _distances(in_errors: pd.Series) -> str:
    median, high, largest = in_errors.abs().quantile([0.5, 0.95, 1.0])
    return f"{median:.2f} | {high:.2f} | {largest:.2f}"


if __name__ == "__main__":
    sys.exit(main())
