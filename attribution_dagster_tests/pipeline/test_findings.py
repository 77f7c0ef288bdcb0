"""The assets that make claims: what they read, what they say, and when they hold back."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from attribution_dagster.assets.exporting import unranked
from attribution_dagster.assets.findings import _build
from attribution_dagster.assets.model_card import standing_of
from attribution_dagster.assets.report import _draw
from attribution_dagster.assets.step import Step
from attribution_dagster.checks.suites import expectations
from attribution_dagster.cli.models import list_models
from attribution_dagster.cli.results import summarise
from attribution_dagster.core.signals import LEAST_MODELS, SIGNIFICANCE
from attribution_dagster.reports import panels
from attribution_dagster.reports.panels import PanelHeader
from attribution_dagster.resources.published_window import standings
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import load_query
from attribution_dagster_tests.pipeline.faults import Change, copy_of, first, report, rewrite, set_where
from attribution_dagster_tests.pipeline.small import EXPLAINED, VARIANTS

AGGREGATE, SPREAD = "transformer_event_attribution_no_funnel", "attribution_spread_no_funnel"


def rows_of(workspace: Workspace) -> list[dict[str, Any]]:
    rows = workspace.slice_of("findings", EXPLAINED).to_pylist()
    return sorted(rows, key=lambda row: (row["finding_rank"] or 0, row["event_type"] or ""))


def steady(spread: pa.Table) -> pa.Table:
    """Training again hardly moves an effect."""
    return set_where(lambda row: True, retraining_error=1e-4, retraining_degrees=2, models=LEAST_MODELS)(spread)


@pytest.fixture()
def made_again(published: Workspace, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Makes the findings once more, of a copy in which something was changed: the table of event types, or the model's standing.

    So small a dataset would give other effects with other users; here its effects are steady, unless a test says otherwise.
    """

    def make(change: Change | None = None, spread: Change = steady, **standing: object) -> list[dict[str, Any]]:
        copy = copy_of(published, Path(tempfile.mkdtemp(dir=tmp_path)))
        rewrite(copy, SPREAD, spread)
        if change is not None:
            rewrite(copy, AGGREGATE, change)
        if standing:
            report(copy, "no_funnel/model_card", standing=standing)
        _build(
            Step(workspace=copy, asset="findings", window_key=EXPLAINED, version="again", inputs={}, run_id="a test")
        )
        return rows_of(copy)

    return make


def test_findings_are_the_significant_effects_by_size_of_the_variant_without_the_funnel(
    published: Workspace, made_again: Callable[..., list[dict[str, Any]]]
) -> None:
    aggregate = [row for row in published.slice_of(AGGREGATE, EXPLAINED).to_pylist() if row["has_minimum_support"]]
    known = {row["name"] for row in published.slice_of(SPREAD, EXPLAINED).to_pylist()}
    significant = {row["event_type"]: row for row in aggregate if row["q_value"] < 0.05 and row["event_type"] in known}
    rows = made_again()
    assert len(rows) > 3 and {row["variant"] for row in rows} == {"no_funnel"}
    assert {row["event_type"] for row in rows} == set(significant)
    for row in rows:
        assert row["mean_centred_effect"] == significant[row["event_type"]]["mean_centred_effect"]
        # Student's t with two degrees of freedom: 4.303 errors on either side.
        assert row["effect_high"] - row["effect_low"] == pytest.approx(2 * 4.303e-4, abs=1e-6)
        assert row["q_value"] < 0.05
        assert row["event_type"] in row["sentence"] and "not causal" in row["caveat"]
        own = significant[row["event_type"]]["mean_signed_effect"]
        if own * row["mean_centred_effect"] > 0 and abs(own) > 0.05:
            assert row["sessions_per_arm"] > 0 and 0 < row["base_rate"] < row["treated_rate"] < 1
        else:
            assert row["sessions_per_arm"] is None and "nothing to test" in row["experiment"]
    sizes = [abs(row["mean_centred_effect"]) for row in rows]
    ranked = [row["finding_rank"] for row in rows]
    if ranked[0] is not None:
        assert sizes == sorted(sizes, reverse=True) and ranked == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("unsure", [{"retraining_error": 10.0}, {"models": LEAST_MODELS - 2}])
def test_an_effect_that_another_training_may_not_give_again_is_no_finding(
    made_again: Callable[..., list[dict[str, Any]]], unsure: dict[str, Any]
) -> None:
    names = [row["event_type"] for row in made_again()]
    lost = names[0]
    kept = made_again(spread=lambda table: set_where(lambda row: row["name"] == lost, **unsure)(steady(table)))
    assert sorted(row["event_type"] for row in kept) == sorted(names[1:])


def test_the_check_of_findings_goes_by_the_bound_that_findings_go_by(published: Workspace, tmp_path: Path) -> None:
    copy = copy_of(published, tmp_path)
    hold = next(each for each in expectations(copy.profile) if each.name == "findings_hold")
    assert hold.parameters == {"significance": SIGNIFICANCE}
    query = load_query("checks/findings_hold")
    rewrite(copy, "findings", lambda table: first(table, event_type="scroll", q_value=0.03, sentence="s", caveat="c"))
    strict, usual = (
        copy.fetch(query, EXPLAINED, significance=bound).to_pylist()[0]["n_wrong"] for bound in (0.01, 0.05)
    )
    assert strict == usual + 1


def test_the_base_rate_is_counted_from_all_sessions_that_can_convert(
    published: Workspace, made_again: Callable[..., list[dict[str, Any]]]
) -> None:
    sessions = published.slice_of("sessions", EXPLAINED).to_pylist()
    usable = [s for s in sessions if not s["is_bot"] and not s["is_censored"] and s["n_no_funnel"] >= 1]
    rate = sum(s["is_converted"] for s in usable) / len(usable)
    found = [row["base_rate"] for row in made_again()]
    assert found == pytest.approx([rate] * len(found))


def test_without_a_significant_effect_one_row_says_so(made_again: Callable[..., list[dict[str, Any]]]) -> None:
    (row,) = made_again(set_where(lambda row: True, q_value=0.5))
    assert row["event_type"] is None and row["finding_rank"] is None and "Nothing significant" in row["sentence"]


def test_without_enough_models_to_compare_nothing_is_called_insignificant(
    made_again: Callable[..., list[dict[str, Any]]],
) -> None:
    (row,) = made_again(spread=set_where(lambda row: True, models=LEAST_MODELS - 2))
    assert row["event_type"] is None and row["sentence"].startswith("Not known: ")


def test_what_does_nothing_by_itself_is_no_brake_and_has_no_experiment(
    made_again: Callable[..., list[dict[str, Any]]],
) -> None:
    first = made_again()[0]["event_type"]
    null = set_where(
        lambda row: row["event_type"] == first,
        mean_centred_effect=-0.33,
        mean_signed_effect=0.005,
        signal_strength="Negative signal",
    )
    (row,) = [row for row in made_again(null) if row["event_type"] == first]
    assert row["signal_strength"] == "Below average" and "below average, and no brake" in row["sentence"]
    assert row["sessions_per_arm"] is None and row["treated_rate"] is None


def test_a_model_that_may_not_rank_gets_no_ranks(made_again: Callable[..., list[dict[str, Any]]]) -> None:
    why = "ranking withheld: a simple baseline"
    rows = made_again(state="publishable with warnings", reasons=[why], claims=True, ranks=False)
    assert len(rows) > 3 and {row["finding_rank"] for row in rows} == {None}
    assert all(f"publishable with warnings ({why})" in row["caveat"] for row in rows)


def test_what_was_published_says_what_its_cards_said_and_only_the_fair_variant_can_lose_its_ranking(
    published: Workspace,
) -> None:
    manifest = published.warehouse.manifest(EXPLAINED)
    assert manifest is not None
    said = standings(manifest)
    assert {variant: each.ranks for variant, each in said.items()} == {
        variant: standing_of(published, variant, EXPLAINED).ranks for variant in VARIANTS
    }
    assert not said["with_funnel"].ranks and "with_funnel" not in unranked(published, EXPLAINED)
    shown = {each.variant: each for each in summarise(published, EXPLAINED, duration_s=None).variants}
    assert shown["no_funnel"].is_ranked == said["no_funnel"].ranks and shown["with_funnel"].is_ranked
    assert shown["no_funnel"].state == said["no_funnel"].state


@pytest.mark.parametrize(("variant", "is_ranked"), [("no_funnel", False), ("with_funnel", True)])
def test_the_picture_does_not_rank_what_nobody_may_rank(
    published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, is_ranked: bool
) -> None:
    copy, drawn = copy_of(published, tmp_path), []

    def drawing(folder: Path, tables: object, header: PanelHeader) -> None:
        drawn.append(header)
        raise InterruptedError

    monkeypatch.setattr(panels, "save_panels", drawing)
    withheld = {"state": "publishable with warnings", "reasons": ["why"], "claims": True, "ranks": False}
    report(copy, f"{variant}/model_card", standing=withheld)
    step = Step(workspace=copy, asset="report", window_key=EXPLAINED, version="again", inputs={}, run_id="a test")
    with pytest.raises(InterruptedError):
        _draw(step, variant)
    assert [header.is_ranked for header in drawn] == [is_ranked]


def test_a_model_that_cannot_be_told_from_chance_has_no_findings(
    made_again: Callable[..., list[dict[str, Any]]],
) -> None:
    why = "nothing is claimed: too few sessions"
    (row,) = made_again(state="publishable with warnings", reasons=[why], claims=False, ranks=False)
    assert row["event_type"] is None and "No findings" in row["sentence"] and why in row["sentence"]


def test_stability_is_that_of_models_on_single_windows(
    published: Workspace, made_again: Callable[..., list[dict[str, Any]]]
) -> None:
    spread = published.slice_of("attribution_spread_no_funnel", EXPLAINED).to_pylist()
    known = {row["name"]: row for row in spread if row["granularity"] == "event_type"}
    rows = made_again()
    assert rows and all(
        (row["windows_same_sign"], row["windows_compared"])
        == (known[row["event_type"]]["windows_same_sign"], known[row["event_type"]]["windows_compared"])
        for row in rows
    )
    assert {row["windows_compared"] for row in rows} == {published.profile.windows.look_back}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_card_is_in_the_exports_in_mlflow_and_in_the_registry(published: Workspace, variant: str) -> None:
    from mlflow import MlflowClient

    record = published.artifacts.record(f"{variant}/model_card", EXPLAINED)
    trained = published.artifacts.record(f"{variant}/trained_model", EXPLAINED)
    assert record is not None and trained is not None
    client = MlflowClient(published.settings.mlflow_tracking_uri)
    logged = client.list_artifacts(trained.report["mlflow_run_id"], f"windows/{EXPLAINED}")
    names = {f"model_card_{variant}.md", f"model_card_{variant}.html"}
    assert names <= {Path(file.path).name for file in logged}
    exported = published.settings.exports / "small" / EXPLAINED / f"model_card_{variant}.html"
    assert trained.report["model"] in exported.read_text() and record.report["state"] in exported.read_text()
    assert published.registry.versions(variant)[-1].state == f"{record.report['state']} ({EXPLAINED})"
    if variant == "with_funnel":
        assert record.report["state"] == "do not publish" and not record.report["standing"]["ranks"]


def test_the_state_stands_in_the_list_of_models_and_findings_in_the_summary(published: Workspace) -> None:
    from rich.console import Console

    console = Console(width=250, record=True, file=io.StringIO())
    console.print(list_models(published))
    assert "do not publish (2025-01-20)" in console.export_text()
    said = summarise(published, EXPLAINED, duration_s=None).findings
    assert said == [row["sentence"] for row in rows_of(published)]
