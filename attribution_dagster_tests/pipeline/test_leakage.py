"""The search for leakage in the graph: with the funnel list emptied or partly forgotten it names the same event types."""

from pathlib import Path

import pytest
import yaml

from attribution_dagster.checks.judging import judge
from attribution_dagster.checks.suites import expectations
from attribution_dagster_tests.pipeline.small import materialise, small_workspace

ASSETS = ["source", "events", "sessions", "sampled_users", "suspected_leakage"]
PLANTED = {"action_add_item", "cart_page_load", "checkout_page_load"}
WINDOW = "2025-01-20"


@pytest.mark.parametrize(
    ("seed", "funnel"),
    [
        (11, ["action_add_item", "action_remove_item", "cart_page_load", "checkout_page_load"]),
        (11, []),
        (12, ["action_add_item", "action_remove_item"]),
    ],
)
def test_the_planted_funnel_is_found_whatever_the_list_says_and_what_it_lacks_is_named(
    tmp_path: Path, seed: int, funnel: list[str]
) -> None:
    extra = f"roles: {yaml.safe_dump({'funnel': funnel}, default_flow_style=True)}"
    workspace = small_workspace(tmp_path, users=700, seed=seed, extra=extra)
    materialise(workspace, ASSETS[:1], [None])
    materialise(workspace, ASSETS[1:-1], [WINDOW])
    materialise(workspace, ASSETS[-1:], [WINDOW])
    rows = workspace.slice_of("suspected_leakage", WINDOW).to_pylist()
    assert {row["event_type"] for row in rows if row["is_suspected"]} == PLANTED
    assert {row["event_type"] for row in rows if row["is_funnel"]} == set(funnel)
    suite = [e for e in expectations(workspace.profile) if e.asset == "suspected_leakage"]
    verdicts = dict(zip([e.name for e in suite], judge(workspace, suite, WINDOW), strict=True))
    assert verdicts["suspected_leakage_adds_up"].passed
    listed = verdicts["funnel_list_complete"]
    lacking = sorted(PLANTED - set(funnel))
    assert listed.passed == (not lacking) and not listed.blocking
    assert {row["event_type"] for row in listed.rows} == set(lacking)
    if lacking:
        assert listed.summary.endswith(f"write roles: {{funnel: [{', '.join([*funnel, *lacking])}]}}")
    workspace.warehouse.close()
