"""The Dagster UI as a person uses it: the graph, a window materialised by the button, the picture, a failed check in red.

The pictures in docs/ are of the same pages. To make them again after `attribution run --dataset marketplace`:

    python -m attribution_dagster_tests.ui

It reads the home that the settings name and writes docs/ui-graph.png and docs/ui-report.png.
"""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.build import definitions_of
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.small import EXPLAINED, WINDOWS, copy_in_use, small_environment, small_workspace
from attribution_dagster_tests.ui.pages import Dagster
from attribution_dagster_tests.ui.server import browser_page, dagster_ui, needs_browser

MODEL, CHECK = "no_funnel/trained_model", "weights_finite"


@pytest.fixture()
def damaged(published: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the published dataset, history included, where a window's funnel metrics are gone and a model's weights are said to be no numbers."""
    root = published.settings.home.parent
    for folder in ("home", "datasets", "dagster"):
        copy_in_use(root / folder, tmp_path / folder)
    copy = small_workspace(tmp_path)
    (tmp_path / f"home/artifacts/small/records/funnel_metrics/{WINDOWS[1]}.json").unlink()
    record = copy.artifacts.record(MODEL, EXPLAINED)
    assert record is not None
    copy.artifacts.save_record(MODEL, EXPLAINED, replace(record, report={**record.report, "non_finite_weights": 3}))
    return copy


@needs_browser
def test_a_person_sees_the_graph_makes_a_window_opens_the_picture_and_notices_a_failed_check(
    damaged: Workspace, tmp_path: Path
) -> None:
    home = tmp_path / "dagster"
    run_with_checks(damaged, home)
    with (
        dagster_ui(home, small_environment(tmp_path)) as address,
        browser_page(width=1400, height=900, last_seen=tmp_path / "last.png") as page,
    ):
        ui = Dagster(page, address)

        ui.open_graph(expanded=("step1_events", "step2_sessions"))
        for asset in ("source", "events", "sessions", "funnel_metrics"):
            page.get_by_text(asset, exact=True).first.wait_for()
        page.screenshot(path=tmp_path / "graph.png")

        run = ui.materialise("small/funnel_metrics", WINDOWS[1])
        ui.open_asset("small/funnel_metrics", window=WINDOWS[1])
        page.get_by_text("made in this run").first.wait_for()
        page.screenshot(path=tmp_path / "window.png")

        ui.open_asset("small/no_funnel/attribution_report")
        assert ui.open_picture() > 500
        page.screenshot(path=tmp_path / "picture.png")

        ui.open_checks(f"small/{MODEL}")
        red, green, blue = ui.colour_of_check(CHECK)
        page.screenshot(path=tmp_path / "check.png")
        assert red > 1.5 * max(green, blue)
        page.get_by_text("expected non_finite_weights = 0, found non_finite_weights = 3").first.wait_for()
    record = damaged.artifacts.record("funnel_metrics", WINDOWS[1])
    assert record is not None and record.run_id == run


def run_with_checks(workspace: Workspace, home: Path) -> None:
    """Runs the model of the explained window, which is current, with its check, which fails; the instance in `home` remembers."""
    job = definitions_of([workspace]).resolve_implicit_global_asset_job_def()
    key = dg.AssetKey(["small", *MODEL.split("/")])
    with dg.DagsterInstance.from_config(str(home)) as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=EXPLAINED, asset_selection=[key], raise_on_error=False
        )
    assert [e.check_name for e in result.get_asset_check_evaluations() if not e.passed] == [CHECK]
