"""The command from end to end in two small worlds: table, page, picture; and what it refuses."""

import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from attribution_dagster.cli.benchmark import PAGE, Wanted, run_benchmark, show_results
from attribution_dagster.core.attribution.baselines import BASELINES
from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.benchmark.worlds import Size, planted_of, run_world, spread_rows
from attribution_dagster.core.simulation.truth_set import simulate_truth
from attribution_dagster.core.simulation.truth_worlds import WORLDS
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.truth_page import FIGURES, PICTURE

WANTED = {"worlds": ("additive", "interactions"), "seeds": 1, "size": Size(sessions=600, explained=80)}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    wanted = Wanted(**WANTED, out=tmp_path_factory.mktemp("out") / "docs")
    console = Console(file=io.StringIO(), width=120)
    return wanted, run_benchmark(wanted, console), console


def test_each_method_and_baseline_is_judged_in_each_world(done):
    _, results, _ = done
    assert [result.world for result in results] == ["additive", "interactions"]
    for result in results:
        assert set(result.methods) == set(ATTRIBUTORS) and set(result.baselines) == set(BASELINES)
        assert all(-1 <= one.rank_correlation <= 1 for one in (result.methods | result.baselines).values())
        own = result.methods["gradient_x_input"]
        assert own.rank_correlation > 0.4 and own.seconds_per_1000 > 0
        assert own.rank_correlation > result.methods["random"].rank_correlation
        assert result.auc_oracle > 0.6 and result.auc > 0.5
    assert results[0].methods["gradient_x_input"].within_type is None


def test_the_table_names_every_method_and_every_aim(done):
    _, results, console = done
    console.print(show_results(results))
    told = console.file.getvalue()
    assert all(name in told for name in (*ATTRIBUTORS, *BASELINES))
    assert "additive, seed 0" in told and "mean rank correlation at least 0.9" in told


def test_the_page_holds_worlds_methods_aims_limits_and_the_command(done):
    wanted, _, _ = done
    page = (wanted.out / PAGE).read_text()
    assert "attribution benchmark --world additive --world interactions --seeds 1 --sessions 600 --out docs" in page
    assert all(f"| {name.replace('_', ' ')} |" in page for name in (*ATTRIBUTORS, *BASELINES))
    assert all(WORLDS[world].lesson in page for world in wanted.worlds)
    assert WORLDS["season"].lesson not in page
    assert "## Limits" in page and PICTURE in page and "simulated" in page
    row = next(line for line in page.splitlines() if line.startswith("| gradient x input"))
    assert row.count("|") == 2 + len(FIGURES)


def test_the_picture_is_a_picture(done):
    wanted, _, _ = done
    picture = np.asarray(Image.open(wanted.out / PICTURE).convert("L"))
    assert picture.shape[1] > 600 and picture.std() > 10


def test_an_unknown_world_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(AttributionError, match="no world is called nowhere; there are additive"):
        run_benchmark(Wanted(**{**WANTED, "worlds": ("nowhere",)}, out=tmp_path / "docs"), Console())
    assert not (tmp_path / "docs").exists()
    with pytest.raises(ValueError, match="nowhere"):
        run_world("nowhere", seed=0, size=Size(), clock=lambda: 0.0)


def test_explained_sessions_are_those_of_whole_users():
    truth = simulate_truth(WORLDS["additive"], sessions=400, seed=1, later=True)
    rows = spread_rows(truth, 100)
    users = np.asarray(truth.sequences.user_id.to_pylist())
    assert 100 <= len(rows) <= 110
    assert not set(users[rows]) & set(np.delete(users, rows))
    planted = planted_of(truth.select(rows))
    assert len(planted.user) == len(planted.effect) == truth.select(rows).sequences.n_events
