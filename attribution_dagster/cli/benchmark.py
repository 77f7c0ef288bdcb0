"""The command `attribution benchmark`: simulated worlds one after another, a table, a page and a picture."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from attribution_dagster.cli.progress import TerminalProgress
from attribution_dagster.core.benchmark.aims import METHOD, aims, overall
from attribution_dagster.core.benchmark.worlds import Size, WorldResult, run_world
from attribution_dagster.core.simulation.truth_worlds import WORLDS
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.truth_page import FIGURES, PICTURE, truth_page
from attribution_dagster.reports.truth_plot import draw_truth

PAGE = "truth-benchmark.md"
SHOWN = ("rank", "signs", "top 5", "occ.", "s/1,000")
"""The figures that fit a terminal; the page has all."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked for; no worlds named means all of them."""

    worlds: Sequence[str]
    seeds: int
    size: Size
    out: Path

    def command(self) -> str:
        """The command that writes the same page."""
        named = "".join(f" --world {world}" for world in self.worlds)
        return (
            f"attribution benchmark{named} --seeds {self.seeds} --sessions {self.size.sessions} --out {self.out.name}"
        )


def run_benchmark(wanted: Wanted, console: Console) -> list[WorldResult]:
    """Results of each world and seed; a line about each as it is done, the page and the picture at the end.

    Raises:
        AttributionError: a world that does not exist.
    """
    if unknown := [world for world in wanted.worlds if world not in WORLDS]:
        raise AttributionError(f"no world is called {', '.join(unknown)}; there are {', '.join(WORLDS)}")
    results = []
    with TerminalProgress(console) as progress:
        for seed in range(wanted.seeds):
            for world in wanted.worlds or WORLDS:
                progress.start(f"{world}, seed {seed}")
                try:
                    result = run_world(
                        world, seed=seed, size=wanted.size, clock=time.perf_counter, progress=progress.advance
                    )
                except ValueError as error:  # too few sessions for a model, or for types to be compared
                    raise AttributionError(f"world {world}, seed {seed}: {error}") from error
                results.append(result)
                progress.finish(_told(result))
    wanted.out.mkdir(parents=True, exist_ok=True)
    (wanted.out / PICTURE).write_bytes(draw_truth(results))
    (wanted.out / PAGE).write_text(truth_page(results, wanted.size, wanted.command()), encoding="utf-8")
    return results


def _told(result: WorldResult) -> str:
    own, counts = result.methods[METHOD], result.baselines["logistic_counts"]
    return f"rank {own.rank_correlation:.2f}, counts {counts.rank_correlation:.2f}"


def show_results(results: Sequence[WorldResult]) -> Group:
    """Methods and baselines by figure, mean over the worlds, and what was expected."""
    table = Table(header_style="bold")
    table.add_column("mean over worlds", no_wrap=True)
    for name in SHOWN:
        table.add_column(name, justify="right", no_wrap=True)
    for kind in ("methods", "baselines"):
        for name in getattr(results[0], kind):
            values = [overall(results, name, FIGURES[figure][1]) for figure in SHOWN]
            table.add_row(name, *("–" if value is None else f"{value:.2f}" for value in values))
        table.add_section()
    words = {True: "met", False: "NOT MET", None: "not asked"}
    return Group(table, *(Text(f"{words[aim.is_met]:<9} {aim.said}") for aim in aims(results)))
