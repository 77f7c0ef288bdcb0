"""What an expectation is: an asset, a measurement of one row, Great Expectations rules on it, and whether a failure stops the window.

The row is what `sql/checks/<name>.sql` counts, joined by what assets themselves reported when they counted in Python. The rows that break
an expectation are `sql/checks/rows/<name>.sql`; with `WITH {common_tables}` it builds on what the first has in its WITH. The suites, as data,
are in `checks/suites/`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from attribution_dagster.warehouse.queries import Query, load_query

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One Great Expectations rule on figures of the measured row.

    A figure without a value breaks the rule, unless `may_be_unknown` says in words why it can be missing.
    """

    kind: str
    arguments: Mapping[str, Any]
    may_be_unknown: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """The arguments that name figures."""
        return {key: self.arguments[key] for key in ("column_A", "column_B", "column") if key in self.arguments}

    @property
    def figures(self) -> tuple[str, ...]:
        """The figures it is about."""
        return tuple(self.columns.values())

    @property
    def bounds(self) -> dict[str, Any]:
        """Its bounds as `<figure>_min` and `<figure>_max`."""
        sides = {"min": self.arguments.get("min_value"), "max": self.arguments.get("max_value")}
        return {f"{self.figures[0]}_{side}": value for side, value in sides.items() if value is not None}

    def __str__(self) -> str:
        """The rule in a person's words."""
        if len(self.figures) == 2:
            return " = ".join(self.figures)
        name, low, high = self.figures[0], self.arguments["min_value"], self.arguments["max_value"]
        if low == high:
            return f"{name} = {low}"
        parts = [f"{name} >= {low}"] * (low is not None) + [f"{name} <= {high}"] * (high is not None)
        return " and ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must hold of an asset. `description` is what a person reads beside the verdict."""

    name: str
    asset: str
    description: str
    rules: tuple[Rule, ...]
    blocking: bool = True
    variant: str | None = None
    """Fills `{variant}` in its queries."""
    counted_in_sql: bool = True
    """Whether it has the two queries; else all figures come from reports."""
    reported: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Asset -> figures of its report, counted in Python."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Values for its queries that neither the profile nor the window gives."""

    @property
    def metric_query(self) -> Query | None:
        """Measures one row."""
        return load_query(f"checks/{self.name}", self.variant) if self.counted_in_sql else None

    @property
    def rows_query(self) -> Query | None:
        """The rows that break the expectation, in order; none where it holds."""
        common = self.metric_query
        return load_query(f"checks/rows/{self.name}", self.variant, common=common) if common is not None else None

    @property
    def bounds(self) -> dict[str, Any]:
        """`<figure>_min` and `<figure>_max`, which the query of offending rows may ask for."""
        return {name: value for rule in self.rules for name, value in rule.bounds.items()}

    @property
    def version(self) -> str:
        """Digest of all that decides a verdict: one given by another version of the check counts as not given."""
        texts = [query.text for query in (self.metric_query, self.rows_query) if query is not None]
        content = [asdict(self), texts]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:16]


def equal(left: str, right: str) -> Rule:
    """Two figures are the same number."""
    return Rule(kind="ExpectColumnPairValuesToBeEqual", arguments={"column_A": left, "column_B": right})


def between(figure: str, low: float | None, high: float | None, *, may_be_unknown: str = "") -> Rule:
    """A figure lies in a closed interval; an open side is None."""
    arguments = {"column": figure, "min_value": low, "max_value": high}
    return Rule(kind="ExpectColumnValuesToBeBetween", arguments=arguments, may_be_unknown=may_be_unknown)


def none_of(*figures: str) -> tuple[Rule, ...]:
    """Each of these counts is 0."""
    return tuple(between(figure, 0, 0) for figure in figures)
