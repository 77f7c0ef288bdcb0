"""One customer in the terminal, and what the end of a run says of traits: as published, in words."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from attribution_dagster.cli.customers import show_customer
from attribution_dagster.cli.results import summarise
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.summary import plain_text
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.cli.test_commands import attribution
from attribution_dagster_tests.pipeline.small import EXPLAINED, small_workspace


def shown(workspace: Workspace, user_id: str) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(show_customer(workspace, user_id))
    return captured.get()


def test_a_customer_is_shown_as_published(published: Workspace) -> None:
    (first, *_) = published.slice_of("recommendations", EXPLAINED).to_pylist()
    user = first["user_id"]
    text = shown(published, user)
    of_user = {
        table: [row for row in published.slice_of(table, EXPLAINED).to_pylist() if row["user_id"] == user]
        for table in ("customer_traits", "similar_customers", "recommendations")
    }
    names = {r["trait"]: r["suggested_name"] for r in published.slice_of("trait_profiles", EXPLAINED).to_pylist()}
    largest = max(of_user["customer_traits"], key=lambda row: row["weight"])
    assert text.startswith(f"{user}, window {EXPLAINED}: {names[largest['trait']]} first")
    assert all(names[row["trait"]] in text and f"{row['weight']:.1%}" in text for row in of_user["customer_traits"])
    assert of_user["similar_customers"] and all(row["similar_user_id"] in text for row in of_user["similar_customers"])
    assert all(row["product_id"] in text and row["reason"] in text for row in of_user["recommendations"])


def test_the_end_of_a_run_tells_traits_and_what_recommendations_beat(published: Workspace) -> None:
    text = " ".join(plain_text(summarise(published, EXPLAINED, duration_s=None), width=400).split())
    profiles = published.slice_of("trait_profiles", EXPLAINED).to_pylist()
    assert (
        "Customer traits" in text
        and f"{len(profiles)} traits of {sum(r['customers'] for r in profiles):,} customers" in text
    )
    assert all(f"{row['suggested_name']} {row['size_share']:.0%}" in text for row in profiles)
    metrics = published.slice_of("recommendation_metrics", EXPLAINED).to_pylist()
    ndcg = {r["method"]: r for r in metrics if (r["metric"], r["cutoff"]) == ("ndcg", 10)}
    assert f"NDCG at 10 {ndcg['blend']['value']:.3f}, popularity {ndcg['popularity']['value']:.3f}" in text
    low, high = ndcg["co_occurrence"]["gain_low"], ndcg["co_occurrence"]["gain_high"]
    verdict = "beaten" if low > 0 else "better" if high < 0 else "a tie"
    assert f"co-occurrence {ndcg['co_occurrence']['value']:.3f} ({verdict}: gain {low:+.3f} to {high:+.3f})" in text


def test_without_traits_the_end_of_a_run_says_nothing_of_them_and_nobody_can_be_shown(published: Workspace) -> None:
    without = replace(published, profile=published.profile.model_copy(update={"traits": None}))
    assert "Customer traits" not in plain_text(summarise(without, EXPLAINED, duration_s=None))
    with pytest.raises(AttributionError, match="dataset small has no customer traits: say in its profile's traits"):
        show_customer(without, "anybody")


def test_an_unknown_customer_is_an_error_that_says_where_ids_are(published: Workspace, tmp_path: Path) -> None:
    for workspace in (published, small_workspace(tmp_path)):
        with pytest.raises(
            AttributionError, match=r"has a customer \"nobody's\"\. Ids are in table customer_traits: attribution sql"
        ):
            show_customer(workspace, "nobody's")


def test_the_command_prints_a_customer_and_ends_with_a_line_of_error_where_there_is_none(published: Workspace) -> None:
    root, user = published.settings.home.parent, published.slice_of("recommendations", EXPLAINED)["user_id"][0].as_py()
    found, lacking = (attribution(root, "customer", user_id, "--dataset", "small") for user_id in (user, "nobody"))
    assert found.returncode == 0 and found.stdout.startswith(f"{user}, window {EXPLAINED}")
    assert lacking.returncode == 1 and not lacking.stdout
    assert "error: no published window of small has a customer 'nobody'" in lacking.stderr
