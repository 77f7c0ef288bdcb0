"""What the commands show of ad journeys: the end of a run, and one journey event by event."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.text import Text

from attribution_dagster.assets.ad_counterfactuals import CAUTION
from attribution_dagster.assets.journey_model import ASSET, MAIN, open_journey_models
from attribution_dagster.assets.journey_report import PICTURE
from attribution_dagster.assets.journeys import open_journeys
from attribution_dagster.assets.report import export_folder
from attribution_dagster.cli.tables import Rows
from attribution_dagster.errors import AttributionError, MissingInputError
from attribution_dagster.reports.caveats import SIMULATED_SENTENCE
from attribution_dagster.reports.labels import one_line
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

if TYPE_CHECKING:
    from attribution_dagster.core.journeys.journeys import Journeys
    from attribution_dagster.core.journeys.lstm import JourneyModel

_Table = Sequence[Mapping[str, Any]]


def summarise_journeys(workspace: Workspace, window_key: str) -> Group:
    """What a person reads at the end: what ads added, by every estimator and by campaign; every figure comes from the published tables."""
    from attribution_dagster.core.journeys.tables import ALL_ADS

    estimates = _published(workspace, "ad_increments", window_key, f"campaign_id = '{ALL_ADS}'")
    campaigns = _published(workspace, "ad_counterfactuals", window_key, "TRUE")
    metrics = _published(workspace, "journey_metrics", window_key, "TRUE")
    folder = export_folder(workspace, window_key)
    simulated = [Text(SIMULATED_SENTENCE, style="bold")] if workspace.profile.simulated else []
    return Group(
        Text(f"{one_line(workspace.profile.title)}, window {window_key}: what ads added", style="bold"),
        *simulated,
        Rows(
            title="purchases that all ads added",
            headings=["estimator", "added", "95 %", "trusts"],
            rows=[[r["estimator"], *_interval(r), r["trusts"]] for r in estimates],
        ),
        Rows(
            title="by campaign (journey model at equal logged intent; credit adds up)",
            headings=["campaign", "added", "95 %", "cost $"],
            rows=[[one_line(r["campaign_id"]), *_interval(r), f"{r['cost_usd']:,.0f}"] for r in campaigns],
        ),
        Rows(
            title="how well purchases are foreseen",
            headings=["predictor", "AUC", "log-loss"],
            rows=[[r["model"], _number(r["auc"]), _number(r["log_loss"])] for r in metrics],
        ),
        Text(CAUTION, style="italic"),
        Text(f"tables and picture: {folder}, {PICTURE}"),
    )


def explain_journey(workspace: Workspace, journey_id: str) -> Group:
    """A journey's timeline: each event, what it adds, and the probability of a purchase after it; by the model it was published with.

    Raises:
        AttributionError: the dataset has no journeys, or there is no published journey of that id.
        MissingInputError: the model that the window was published with is gone.
    """
    key = _window_of(workspace, journey_id)
    model, journeys = _model(workspace, key), open_journeys(workspace, key)
    place = np.flatnonzero(journeys.sequences.session_id.to_numpy(zero_copy_only=False) == journey_id)
    if len(place) != 1:
        raise AttributionError(f"journey {journey_id!r} is not in window {key} as it is now: run the window again")
    return _timeline(model, journeys.select(place), journey_id)


def _timeline(model: "JourneyModel", journey: "Journeys", journey_id: str) -> Group:
    from attribution_dagster.core.journeys.counterfactuals import group_by_impression, remove_each
    from attribution_dagster.core.journeys.importance import event_contributions
    from attribution_dagster.core.journeys.journeys import EXPOSURE
    from attribution_dagster.core.journeys.measuring import trajectory

    after, contribution = trajectory(model, journey), event_contributions(model, journey, "gradient_x_input")
    effects = remove_each(model, model.encode(journey), group_by_impression)
    without = dict(zip(effects.group.tolist(), effects.effect.tolist(), strict=True))
    sequences = journey.sequences
    unread = sequences.n_events - len(after) + 1
    rows = []
    for event in range(sequences.n_events):
        names = [_name(journey, column, event) for column in ("event_type", "campaign_id", "ad_type", "product_id")]
        is_click = names[0] == "click"
        impression = int(sequences.numbers[EXPOSURE][event])
        rows.append(
            [
                str(event),
                f"{sequences.numbers['hours_before'][event]:.1f}",
                *names,
                "with its impression" if is_click else _points(without.get(impression)),
                _number(contribution[event]),
                f"{after[event - unread + 1]:.2%}" if event >= unread else "not read",
            ]
        )
    bought = "bought" if journey.label[0] else "did not buy"
    head = f"{one_line(journey_id)}: {bought} on the day; probability {after[-1]:.2%}, without any ads {effects.without_any[0]:.2%}"
    headings = [
        "#",
        "hours before",
        "event",
        "campaign",
        "ad type",
        "product",
        "adds, points",
        "adds, logits",
        "P after it",
    ]
    return Group(
        Text(head, style="bold"),
        Rows(headings=headings, rows=rows),
        _credit(model, journey),
        Text(CAUTION, style="italic"),
    )


def _credit(model: "JourneyModel", journey: "Journeys") -> Rows:
    """What each campaign is credited with; the parts add up."""
    from attribution_dagster.core.journeys.shapley import shapley
    from attribution_dagster.core.sequences.vocabulary import FIRST_TOKEN

    found, known = shapley(model, model.encode(journey)), model.vocabulary.tokens["campaign_id"]
    rows = [
        [one_line(known[c - FIRST_TOKEN]) if c >= FIRST_TOKEN else "(unknown)", _points(credit)]
        for c, credit in zip(found.campaign.tolist(), found.credit.tolist(), strict=True)
    ]
    return Rows(
        title="credit by campaign",
        headings=["campaign", "points"],
        rows=[*rows, ["all", _points(float(found.total[0]))]],
    )


def _model(workspace: Workspace, key: str) -> "JourneyModel":
    manifest, record = workspace.warehouse.manifest(key), workspace.artifacts.record(ASSET, key)
    assert manifest is not None
    inputs: Mapping[str, str] = manifest.evidence["inputs"]  # type: ignore[assignment]
    if record is None or inputs.get(f"{ASSET}@{key}") != record.version:
        raise MissingInputError(
            f"the journey model of window {key} is not the one it was published with: run the window again"
        )
    return open_journey_models(workspace, key)[MAIN]


def _window_of(workspace: Workspace, journey_id: str) -> str:
    name = workspace.profile.name
    if workspace.profile.journeys is None:
        raise AttributionError(f"dataset {name} has no ad journeys: say in its profile's journeys which events are ads")
    query = parse_query("journey", "SELECT window_start FROM ad_journeys_history WHERE journey_id = :journey_id")
    found = workspace.warehouse.fetch(query, {"journey_id": journey_id}, scope="published").to_pylist()
    starts = {workspace.window(key).start: key for key in workspace.warehouse.published_windows()}
    if not found:
        raise AttributionError(
            f"no published journey of {name} has the id {journey_id!r}. Ids are in table ad_journeys: "
            f'attribution sql "SELECT journey_id, n_events FROM ad_journeys ORDER BY n_events DESC" --dataset {name}'
        )
    return starts[found[0]["window_start"]]


def _published(workspace: Workspace, table: str, window_key: str, condition: str) -> _Table:
    query = parse_query(table, f"SELECT * FROM {table}_history WHERE window_start = :window_start AND {condition}")
    start = workspace.window(window_key).start
    rows: _Table = workspace.warehouse.fetch(query, {"window_start": start}, scope="published").to_pylist()
    return rows


def _name(journey: "Journeys", column: str, event: int) -> str:
    code = int(journey.sequences.codes[column][event])
    return one_line(journey.sequences.dictionaries[column][code]) if code >= 0 else "–"


def _interval(row: Mapping[str, Any]) -> list[str]:
    return [f"{row['purchases_added']:+,.0f}", f"{row['effect_low']:+,.0f} to {row['effect_high']:+,.0f}"]


def _points(effect: float | None) -> str:
    return "not read" if effect is None else f"{100 * effect:+.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"
