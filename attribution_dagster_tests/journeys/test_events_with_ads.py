"""Events of which two kinds are ads, as the profile says: without auctions, from the source to published tables."""

from pathlib import Path

from attribution_dagster.assets.audited import tables
from attribution_dagster.core.journeys.estimates import TRUSTS
from attribution_dagster.core.journeys.tables import ALL_ADS
from attribution_dagster.warehouse.queries import load_query, parse_query
from attribution_dagster_tests.journeys.small import EXPLAINED, events_with_ads, publish


def test_a_dataset_of_events_whose_profile_names_ads_is_published_whole(tmp_path: Path) -> None:
    workspace = events_with_ads(tmp_path)
    made = publish(workspace)
    assert "ad_auctions" not in made and not any("trained_model" in name or name == "sessions" for name in made)
    manifest = workspace.warehouse.manifest(EXPLAINED)
    assert manifest is not None and set(manifest.tables) == set(tables(workspace.profile)) >= {"ad_counterfactuals"}

    events = parse_query(
        "q",
        "SELECT DISTINCT COALESCE(discovery_feature, '(no campaign)') AS campaign FROM stg_events WHERE event_type = 'banner_view'",
    )
    campaigns = set(workspace.fetch(events, EXPLAINED)["campaign"].to_pylist())
    counted = workspace.fetch(load_query("journeys/ad_journey_counts"), EXPLAINED).to_pylist()[0]
    assert counted["with_ads"] > 100 and counted["bought"] > 10
    rows = workspace.slice_of("ad_increments", EXPLAINED).to_pylist()
    # Nothing is known of intent, and nobody lost an auction.
    assert {row["estimator"] for row in rows} == set(TRUSTS) - {"lost_auctions", "doubly_robust"}
    assert {row["campaign_id"] for row in rows} == {ALL_ADS, *campaigns}
    exported = {path.name for path in (workspace.settings.exports / "banners" / EXPLAINED).iterdir()}
    assert {"ad_counterfactuals.csv", "ad_increments.csv", "ad_journeys.png"} <= exported
    workspace.warehouse.close()
