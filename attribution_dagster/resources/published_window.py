"""A published window, for showing: its facts from the manifest, and the rows of sections, from published tables only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from attribution_dagster.core.claims.standing import Standing
from attribution_dagster.datasets.experiment import ExperimentProfile
from attribution_dagster.reports.facts import WindowFacts
from attribution_dagster.reports.sections import Of
from attribution_dagster.reports.sections.section import Section
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster.warehouse.protocol import Manifest
from attribution_dagster.warehouse.queries import Query, load_query

RANK = "driver_rank"
PAGE_ROWS = 25
_MODELS = ("conversion_model", "uplift_model", "journey_model", "item2vec")
"""Assets without variants that make a model."""


@dataclass(frozen=True, kw_only=True)
class PublishedWindow:
    """One window as its readers see it. Make it with `open_window`."""

    workspace: Workspace
    facts: WindowFacts
    tables: frozenset[str]

    def lacks(self, section: Section, variant: str | None) -> bool:
        """Whether the table that the section needs is not published."""
        return filled(section.needs, variant) not in self.tables

    def rows(self, section: Section, variant: str | None, **parameters: object) -> pa.Table:
        """The section's rows; without ranks, and by name, where the model does not allow to rank. A paged one has its first page by default."""
        known = {"rows": PAGE_ROWS, "skip": 0} if section.is_paged else {}
        found = self.fetch(section.query, variant if section.per_variant else None, **{**known, **parameters})
        is_ranked = variant is None or not section.per_variant or self.facts.ranks(variant)
        return found if is_ranked else without_ranks(found)

    def has(self, of: Of) -> bool:
        """Whether the dataset is made of such things at all."""
        profile = self.workspace.profile
        known = {
            "sessions": bool(profile.variants),
            "experiment": isinstance(profile, ExperimentProfile),
            "journeys": profile.journeys is not None,
        }
        return known[of]

    def fetch(self, query: str, variant: str | None, **parameters: object) -> pa.Table:
        """The result of a query of sql/dashboard/ on the window."""
        asked = dashboard_query(query, variant)
        start = {"window_start": self.workspace.window(self.facts.window_key).start}
        return self.workspace.warehouse.fetch(asked, {**start, **parameters}, scope="published")


def open_window(workspace: Workspace, window_key: str) -> PublishedWindow | None:
    """The window as it is published now; None where it is not."""
    manifest = workspace.warehouse.manifest(window_key)
    if manifest is None:
        return None
    return PublishedWindow(workspace=workspace, facts=_facts(workspace, manifest), tables=frozenset(manifest.tables))


def standings(manifest: Manifest) -> dict[str, Standing]:
    """What the models' cards said when the window was published, by variant."""
    said: Mapping[str, Mapping[str, Any]] = manifest.evidence.get("standings", {})  # type: ignore[assignment]
    return {variant: Standing(**each) for variant, each in said.items()}


def dashboard_query(name: str, variant: str | None) -> Query:
    """The query `name` of sql/dashboard/."""
    return load_query(f"dashboard/{name}", variant)


def filled(template: str, variant: str | None) -> str:
    """A table's or an asset's name with its variant."""
    return template.replace("{variant}", variant or "")


def without_ranks(rows: pa.Table) -> pa.Table:
    """The rows by name, their ranks empty."""
    if RANK in rows.column_names:
        place = rows.column_names.index(RANK)
        rows = rows.set_column(place, RANK, pa.nulls(rows.num_rows, rows[RANK].type))
    return rows.sort_by("event_type") if "event_type" in rows.column_names else rows


def _facts(workspace: Workspace, manifest: Manifest) -> WindowFacts:
    profile, evidence = workspace.profile, manifest.evidence
    by_variant: Mapping[str, str] = evidence.get("models", {})  # type: ignore[assignment]
    inputs: Mapping[str, str] = evidence.get("inputs", {})  # type: ignore[assignment]
    others = {name: inputs.get(f"{name}@{manifest.window_key}") for name in _MODELS}
    return WindowFacts(
        dataset=profile.name,
        title=profile.title,
        window_key=manifest.window_key,
        published_at=manifest.published_at,
        simulated=bool(evidence.get("simulated", profile.simulated)),
        models={**by_variant, **{name: version[:8] for name, version in others.items() if version is not None}},
        checks=evidence.get("checks", {}),  # type: ignore[arg-type]
        standings=standings(manifest),
        leaking=tuple(name for name, variant in profile.variants.items() if variant.leaks),
    )
