"""Ad journeys of a window: who saw which ads before each day, and who bought on it."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from attribution_dagster.assets.showing import columns_from, top_rows
from attribution_dagster.assets.source import attach_as_profiled
from attribution_dagster.assets.step import Report, Step, code_version, make
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.result_specs import JourneysSpec
from attribution_dagster.datasets.windows import preceding
from attribution_dagster.graph import DatasetAssets
from attribution_dagster.resources.workspace import WHOLE, Workspace
from attribution_dagster.warehouse.queries import load_query

if TYPE_CHECKING:
    from attribution_dagster.core.journeys.journeys import Journeys

_DAYS = {"day": 1, "week": 7, "month": 28}
_CODE_AUCTIONS = code_version("assets/journeys.py", "warehouse", "sql/staging")
_CODE = code_version("assets/journeys.py", "sql/journeys")


def journey_assets(assets: DatasetAssets) -> list[dg.AssetsDefinition]:
    """The assets `ad_journeys`, and `ad_auctions` where the dataset has a log of auctions."""
    auctions = [_auctions(assets)] if journeys_spec(assets.workspace.profile).auctions else []
    return [*auctions, _journeys(assets)]


def journeys_spec(profile: Profile) -> JourneysSpec:
    """What the profile says of journeys; whoever asks has them."""
    assert profile.journeys is not None
    return profile.journeys


def _auctions(assets: DatasetAssets) -> dg.AssetsDefinition:
    workspace = assets.workspace
    options = assets.options("ad_auctions", deps=["events"], kinds={"sql"}, group="step2_journeys", code=_CODE_AUCTIONS)

    @dg.asset(**options)
    def ad_auctions(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Ad auctions of the window, won and lost, with bid, price to beat and what the platform logged of the user's intent."""
        return make(
            context,
            workspace,
            "ad_auctions",
            reads=lambda key: [("events", key)],
            settings=lambda _: _source_digest(workspace),
            code=_CODE_AUCTIONS,
            exists=lambda step: step.table("ad_auctions"),
            build=_build_auctions,
        )

    return ad_auctions


def _journeys(assets: DatasetAssets) -> dg.AssetsDefinition:
    workspace, profile = assets.workspace, assets.workspace.profile
    upstream = history_assets(profile)
    mapping = dg.TimeWindowPartitionMapping(
        start_offset=-windows_of_history(profile), allow_nonexistent_upstream_partitions=True
    )
    deps = [dg.AssetDep(assets.key(name), partition_mapping=mapping) for name in upstream]

    @dg.asset(**assets.options("ad_journeys", deps=deps, kinds={"sql"}, group="step2_journeys", code=_CODE))
    def ad_journeys(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Users at the start of each day with the ads of the look-back before it, cut before the day on which they may buy; joined in SQL."""
        return make(
            context,
            workspace,
            "ad_journeys",
            reads=lambda key: [(name, k) for name in upstream for k in history_keys(workspace, key)],
            settings=lambda key: [journeys_spec(profile).model_dump(), profile.roles.model_dump()],
            code=_CODE,
            exists=lambda step: step.table("ad_journeys", "ad_journey_events"),
            build=_build_journeys,
        )

    return ad_journeys


def history_assets(profile: Profile) -> list[str]:
    """The assets that journeys are joined from."""
    return ["events", *(["ad_auctions"] if journeys_spec(profile).auctions else [])]


def windows_of_history(profile: Profile) -> int:
    """Windows before one that its look-back may reach into."""
    return math.ceil(journeys_spec(profile).look_back_days / _DAYS[profile.windows.length])


def history_keys(workspace: Workspace, key: str) -> list[str]:
    """Keys of the window and of those before it that its look-back reaches into, oldest first."""
    window = workspace.window(key)
    start = window.start - timedelta(days=journeys_spec(workspace.profile).look_back_days)
    before = preceding(workspace.profile, window, windows_of_history(workspace.profile))
    return [*(each.key for each in before if each.end > start), key]


def journey_values(workspace: Workspace, key: str) -> Mapping[str, object]:
    """Values of the parameters that statements about journeys have beyond the window's own."""
    spec, window, first = journeys_spec(workspace.profile), workspace.window(key), workspace.windows()[0].start
    look_back = timedelta(days=spec.look_back_days)
    history = window.start - look_back
    # A journey whose look-back begins before the first window would lack ads that nobody has read.
    lacking = max(first - history, timedelta())
    return {
        "history_start": history,
        "auctions_end": window.end - look_back,
        "look_back_us": spec.look_back_days * 86_400_000_000,
        "first_day": math.ceil(lacking / timedelta(days=1)),
        "n_days": round((window.end - window.start) / timedelta(days=1)),
        "min_history_events": spec.min_history_events,
        "impression_type": spec.impression,
        "click_type": spec.click,
        "campaign_column": spec.campaign,
        "ad_type_column": spec.ad_type,
    }


def open_journeys(workspace: Workspace, key: str) -> "Journeys":
    """The window's journeys in memory, as `ad_journeys` made them."""
    from attribution_dagster.core.journeys.journeys import read_journeys

    context = workspace.fetch(load_query("journeys/ad_contexts"), key)
    query = load_query("journeys/ad_sequence_events")
    with workspace.warehouse.stream(query, workspace.bound(query, key)) as batches:
        return read_journeys(batches, context)


def _build_auctions(step: Step) -> Report:
    workspace = step.workspace
    attach_as_profiled(workspace)
    folders = workspace.settings.dataset_folders
    query = load_query(f"staging/ad_auctions__{workspace.profile.staging}", folders=folders)
    rows = step.build_table("ad_auctions", query)
    columns = ("held_at", "campaign_id", "ad_type", "relevance", "bid_usd", "price_to_win_usd", "is_won")
    shown = top_rows(step, "ad_auctions", columns, "held_at, auction_id")
    return {"rows": rows, **shown}


def _build_journeys(step: Step) -> Report:
    workspace, key = step.workspace, step.window_key
    values = journey_values(workspace, key)
    events, journeys = (load_query(f"journeys/{name}") for name in ("ad_journey_events", "ad_journeys"))
    for name, query in (("ad_journey_events", events), ("ad_journeys", journeys)):
        wanted = {each: value for each, value in values.items() if each in query.parameters}
        step.build_table(name, query, **wanted)
    counted = workspace.fetch(load_query("journeys/ad_journey_counts"), key).to_pylist()[0]
    columns = ("day_number", "label", "n_events", "impressions", "clicks", "auctions", "auctions_won", "mean_relevance")
    shown = top_rows(step, "ad_journeys", columns, "n_events DESC, journey_id")
    return {"rows": counted["journeys"], **counted, **shown, **columns_from(step, journeys, events)}


def _source_digest(workspace: Workspace) -> str:
    """Digest of all tables of the source: what auctions alone log is not in the events' digests."""
    record = workspace.artifacts.record("source", WHOLE)
    return str(record.report["digest"]) if record is not None else ""
