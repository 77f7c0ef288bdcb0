"""The views for BI tools: a star of dimensions and facts over the published tables, from sql/marts/bi/.

A file with `{variant}` is one SELECT per variant; the view is all of them together, told apart by its column `variant`.
"""

from collections.abc import Sequence
from functools import lru_cache

import sqlglot

from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.warehouse.ddl import table_definition
from attribution_dagster.warehouse.queries import DIALECT, Query, literal, parse_query, sql_folder

OF_SESSIONS = (
    "bi_window",
    "bi_event_type",
    "bi_store",
    "bi_event_type_effect",
    "bi_position_effect",
    "bi_event_position_effect",
    "bi_store_effect",
    "bi_finding",
    "bi_funnel_stage",
    "bi_session",
)
OF_EXPERIMENTS = ("bi_experiment_window", "bi_unit", "bi_score_group", "bi_policy")
OF_JOURNEYS = ("bi_campaign", "bi_campaign_effect", "bi_ad_increment")


def views_of(profile: Profile) -> tuple[str, ...]:
    """Names of the views that the dataset has."""
    if isinstance(profile, ExperimentProfile):
        return OF_EXPERIMENTS
    return (OF_SESSIONS if profile.variants else ()) + (OF_JOURNEYS if profile.journeys is not None else ())


def view_query(name: str, variants: Sequence[str]) -> Query:
    """What the view selects, over the variants."""
    text = _text(name)
    if "{variant}" not in text:
        return parse_query(name, text)
    return parse_query(name, "\nUNION ALL\n".join(text.replace("{variant}", variant) for variant in variants))


def create_statements(profile: Profile) -> list[str]:
    """CREATE VIEW statements in Snowflake's dialect, for the schema that the dataset is published in."""
    return [_create(name, view_query(name, list(profile.variants))) for name in views_of(profile)]


def grain(name: str) -> str:
    """What the view holds, and what a row of it is."""
    return _text(name).splitlines()[0].removeprefix("-- ")


def view_columns(query: Query) -> list[str]:
    """The view's columns in order."""
    return sqlglot.parse_one(query.text, read=DIALECT).named_selects


def documented(query: Query) -> dict[str, str]:
    """The view's columns -> what the table says of a column of that name; no entry for one that is made in the view."""
    tables = [table_definition(name.removesuffix("_history")) for name in sorted(query.tables)]
    known = {column.name: column.comment for table in tables for column in table.columns}
    return {name: known[name] for name in view_columns(query) if name in known}


def _create(name: str, query: Query) -> str:
    said = documented(query)
    columns = ",\n    ".join(
        f"{each} COMMENT {literal(said[each])}" if each in said else each for each in view_columns(query)
    )
    return f"CREATE OR REPLACE VIEW {name} (\n    {columns}\n)\nCOPY GRANTS\nCOMMENT = {literal(grain(name))}\nAS\n{query.text.strip()}"


@lru_cache(maxsize=64)
def _text(name: str) -> str:
    return (sql_folder() / "marts" / "bi" / f"{name}.sql").read_text(encoding="utf-8")
