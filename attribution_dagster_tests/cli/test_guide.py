"""The guide is true: assets, options, defaults, queries, requests and code that its pages show exist and work."""

import json
import re
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
import torch
from sqlglot import exp, parse_one

from attribution_dagster.build import build_definitions
from attribution_dagster.datasets.registry import known_datasets
from attribution_dagster.serving.limits import Limits
from attribution_dagster.serving.requests import EventIn, parse_sessions
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.ddl import table_definition, table_names
from attribution_dagster_tests.cli.test_docs import PAGES, ROOT, commands, options
from attribution_dagster_tests.models.worlds import random_model, sessions

TOUR, SERVING = ((ROOT / "docs" / page).read_text() for page in ("tour.md", "serving.md"))
QUERIES = [
    (page.name, query)
    for page in PAGES
    for query in re.findall(r'attribution sql (?:--work )?"([^"]+)"', page.read_text())
]


def test_inline_commands_and_options_exist() -> None:
    known = commands()
    every = {option for names in known.values() for option in names} | {"--help"}
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for name, rest in re.findall(r"`attribution ([a-z]+)([^`]*)`", text):
            assert name in known, f"{page.name}: attribution {name}"
            assert set(re.findall(r"(--[a-z-]+)", rest)) <= known[name] | {"--help"}, f"{page.name}: {name}{rest}"
        for option in re.findall(r"`(--[a-z-]+)[^`]*`", text):
            assert option in every, f"{page.name}: {option}"


def test_options_of_serve_and_their_defaults_are_those_in_the_page() -> None:
    listed = dict(re.findall(r"^\| `(--[a-z-]+)` \| (?:`([^`]+)`)? ?\|", SERVING, re.M))
    found = {name: default for name, default in options("serve").items() if name != "--help"}
    assert listed == {name: "" if default is None else f"{default}" for name, default in found.items()}


def test_the_request_in_the_page_is_one_and_the_columns_are_those_taken() -> None:
    limits = Limits(sessions=1, events=1000, inactivity=timedelta(minutes=30), longest=timedelta(hours=12))
    (block,) = re.findall(r"```json\n(.*?)```", SERVING, re.S)
    ((name, events),) = parse_sessions(json.loads(block)["inputs"], limits)
    assert name == "visit-17" and [event.event_type for event in events] == ["search", "store_page_load"]
    paragraph = SERVING.partition("`event_at` is ISO 8601")[2].partition("\n\n")[0]
    assert {"event_at", *re.findall(r"`([a-z_]+)`", paragraph)} == set(EventIn.model_fields)


@cache
def asset_names() -> set[str]:
    """Every asset of every built-in dataset, of a variant as <v>/name."""
    found = set()
    for dataset in known_datasets():
        for spec in build_definitions(
            Settings.from_environment({"ATTRIBUTION_DATASETS": dataset})
        ).resolve_all_asset_specs():
            *variant, name = spec.key.path[1:]
            found.add(f"<v>/{name}" if variant else name)
    return found


def test_the_tour_shows_every_asset_and_no_other() -> None:
    graph = TOUR.partition("## The graph")[2].partition("![")[0]
    shown = {name for line in graph.splitlines() if line.startswith("|") for name in re.findall(r"`([^`]+)`", line)}
    assert shown == asset_names()


@pytest.mark.parametrize(("page", "query"), QUERIES, ids=[f"{n}-{page}" for n, (page, _) in enumerate(QUERIES)])
def test_queries_in_the_pages_name_tables_and_columns_that_exist(page: str, query: str) -> None:
    tree = parse_one(query, read="snowflake")
    known = {name.replace("{variant}", v) for name in table_names() for v in ("no_funnel", "with_funnel")}
    named = [table.name for table in tree.find_all(exp.Table)]
    tables = [name.removesuffix("_history") for name in named]
    assert set(tables) <= known, f"{page}: {tables}"
    columns = {column.name for name in tables for column in table_definition(name).columns} | {"window_start"}
    columns |= {alias.alias for alias in tree.find_all(exp.Alias)}
    assert {column.name for column in tree.find_all(exp.Column)} <= columns, f"{page}: {query}"


def test_the_method_in_the_tour_is_one() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TOUR, re.S)
    defined: dict = {}
    exec(code, defined)
    world = sessions([3, 1, 5])
    model = random_model(world)
    batch = model.encode(world).batch(np.arange(3))
    found = defined["embedding_norm"](model)(batch)
    assert found.signed.shape == batch.is_event.shape and (found.signed[~batch.is_event] == 0).all()
    assert (found.signed[batch.is_event] > 0).all()
    with torch.no_grad():
        torch.testing.assert_close(found.logit, model(batch.codes, batch.numbers, batch.is_event))
