"""The verdicts of a window as one HTML page that needs nothing else: no script, no font or style from elsewhere.

Names in offending rows come from outside: all text is escaped by the template, and shown on one line without control characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution_dagster.reports.caveats import SIMULATED_SENTENCE
from attribution_dagster.reports.labels import shorten

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class CheckShown:
    """One check as the page shows it; `passed` is None where it has not been run."""

    name: str
    description: str
    severity: str
    expected: Sequence[str]
    passed: bool | None
    summary: str
    observed: Mapping[str, Any] = field(default_factory=dict)
    offending: int = 0
    rows: Sequence[Mapping[str, Any]] = ()

    @property
    def outcome(self) -> str:
        """What came of it, in a word."""
        return "not run" if self.passed is None else "passed" if self.passed else "failed"

    @property
    def verdict(self) -> str:
        """What that means: a failed check that does not block is a warning."""
        return "warning" if self.outcome == "failed" and self.severity == "warning" else self.outcome


def checks_page(
    title: str, dataset: str, window_key: str, assets: Mapping[str, Sequence[CheckShown]], *, simulated: bool
) -> str:
    """The page's HTML: checks by asset, what was expected and measured, and the rows that break them."""
    every = [check for checks in assets.values() for check in checks]
    counts = {word: sum(1 for check in every if check.verdict == word) for word in _ORDER}
    return _template().render(
        title=title,
        dataset=dataset,
        window_key=window_key,
        assets=assets,
        counts={word: n for word, n in counts.items() if n},
        note=SIMULATED_SENTENCE if simulated else "",
    )


_ORDER = ("failed", "warning", "not run", "passed")


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = _shown
    return environment.get_template("checks.html")


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else shorten(str(value), 120)
