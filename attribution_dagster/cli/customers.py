"""What the commands show of customer traits: the end of a run, and one customer with those like him and what he may want next."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from attribution_dagster.cli.tables import Rows
from attribution_dagster.errors import AttributionError
from attribution_dagster.reports.cells import NOTHING
from attribution_dagster.reports.labels import one_line
from attribution_dagster.resources.published_window import PublishedWindow, open_window
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.queries import parse_query

_Table = Sequence[Mapping[str, Any]]
_BASELINES = ("popularity", "co_occurrence")
CAUTION = "Traits are of what was met together; neither they nor recommendations say what would make a customer buy."


def show_customer(workspace: Workspace, user_id: str) -> Group:
    """A customer's traits, the customers most like him and what he may want next, of the latest published window that has him.

    Raises:
        AttributionError: the dataset has no traits, or no published window has that customer.
    """
    window = _window_of(workspace, user_id)
    weights, similar, recommended = (
        window.fetch(query, None, user_id=user_id).to_pylist()
        for query in ("trait_weights", "trait_similar", "trait_recommendations")
    )
    largest = weights[0]
    known = "of whom nothing could be read" if largest["is_fallback"] else f"{_name(largest)} first"
    return Group(
        Text(f"{one_line(user_id)}, window {window.facts.window_key}: {known}", style="bold"),
        Rows(
            title="traits",
            headings=["trait", "name", "share", "in all customers"],
            rows=[[str(r["trait"]), _name(r), f"{r['weight']:.1%}", _share(r["size_share"])] for r in weights],
        ),
        Rows(
            title="similar customers",
            headings=["rank", "customer", "cosine of traits"],
            rows=[[str(r["similar_rank"]), one_line(r["similar_user_id"]), f"{r['similarity']:.3f}"] for r in similar],
        ),
        Rows(
            title="recommendations",
            headings=["rank", "item", "score", "why"],
            rows=[
                [str(r["recommendation_rank"]), one_line(r["product_id"]), f"{r['score']:.3f}", one_line(r["reason"])]
                for r in recommended
            ],
        ),
        Text(_foretold(window)),
        Text(CAUTION, style="italic"),
    )


def trait_sentences(workspace: Workspace, window_key: str) -> list[str]:
    """What the end of a run says of traits: which there are with their sizes, and how good recommendations are; nothing without traits."""
    window = open_window(workspace, window_key)
    if window is None or workspace.profile.traits is None:
        return []
    profiles = window.fetch("trait_profiles", None).to_pylist()
    named = ", ".join(f"{_name(row)} {_share(row['size_share'])}" for row in profiles)
    customers = sum(row["customers"] for row in profiles)
    return [
        f"{len(profiles)} traits of {customers:,} customers, by share of all weights: {named}.",
        _foretold(window),
        f"One customer: attribution customer ID --dataset {workspace.profile.name}",
    ]


def _foretold(window: PublishedWindow) -> str:
    """How well lists made before the window foretold it, beside the simple baselines."""
    rows: _Table = window.fetch("recommendation_metrics", None).to_pylist()
    ndcg = {r["method"]: r for r in rows if r["metric"] == "ndcg" and r["cutoff"] == 10 and r["value"] is not None}
    default = next((row for row in ndcg.values() if row["is_default"]), None)
    if default is None:
        return "Recommendations could not be judged: no customer known before the window went on to anything in it."
    others = "; ".join(f"{_words(name)} {ndcg[name]['value']:.3f}{_gain(ndcg[name])}" for name in _BASELINES)
    return f"Recommendations of {default['n_customers']:,} customers, made before the window: NDCG at 10 {default['value']:.3f}, {others}."


def _gain(row: Mapping[str, Any]) -> str:
    """Whether the published list is better than this one, by the interval of the paired gain."""
    low, high = row["gain_low"], row["gain_high"]
    if low is None or high is None:
        return ""
    verdict = "beaten" if low > 0 else "better" if high < 0 else "a tie"
    return f" ({verdict}: gain {low:+.3f} to {high:+.3f})"


def _window_of(workspace: Workspace, user_id: str) -> PublishedWindow:
    name = workspace.profile.name
    if workspace.profile.traits is None:
        raise AttributionError(f"dataset {name} has no customer traits: say in its profile's traits what an item is")
    query = parse_query(
        "customer", "SELECT MAX(window_start) AS window_start FROM customer_traits_history WHERE user_id = :user_id"
    )
    (found,) = workspace.warehouse.fetch(query, {"user_id": user_id}, scope="published").to_pylist()
    keys = {workspace.window(key).start: key for key in workspace.warehouse.published_windows()}
    window = open_window(workspace, keys[found["window_start"]]) if found["window_start"] in keys else None
    if window is None:
        raise AttributionError(
            f"no published window of {name} has a customer {user_id!r}. Ids are in table customer_traits: "
            f'attribution sql "SELECT user_id, trait, weight FROM customer_traits WHERE is_dominant" --dataset {name}'
        )
    return window


def _name(row: Mapping[str, Any]) -> str:
    return one_line(row["suggested_name"] or f"trait {row['trait']}")


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0%}"


def _words(method: str) -> str:
    return method.replace("_", "-")
