"""The findings of a window as one page, in HTML and in Markdown, and the size of its little charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from attribution_dagster.core.claims.raw_rates import CountRate
from attribution_dagster.core.claims.standing import Standing
from attribution_dagster.reports import sentences
from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE, SIMULATED_SENTENCE
from attribution_dagster.reports.pages import page_template
from attribution_dagster.reports.sentences import Finding

SIGNIFICANT_MEANS = (
    "Significant means: chance in which users were seen, by the model as it learnt or by the window, does not explain it (q below .05). "
    "It is still what a model says, so look at the raw rates, at the windows before and at the size before believing it."
)
CHART_WIDTH, CHART_HEIGHT = 320, 120
_TOP, _BOTTOM = 16, 22


@dataclass(frozen=True, kw_only=True)
class VariantFindings:
    """What was found with one variant. tested: event types with enough users; known: those of which models trained on other users tell."""

    variant: str
    standing: Standing
    tested: int
    known: int
    findings: Sequence[Finding]

    @property
    def instead(self) -> str:
        """The sentence that stands where there is no finding."""
        if not self.standing.claims:
            return sentences.nothing_claimed(self.variant, self.standing.reasons)
        return sentences.nothing_found(self.variant, self.tested, self.known)


@dataclass(frozen=True, kw_only=True)
class FindingsPage:
    """The findings of a window, variant by variant."""

    title: str
    window_key: str
    simulated: bool
    variants: Sequence[VariantFindings]

    def html(self) -> str:
        """One HTML page."""
        return self._render("findings.html")

    def markdown(self) -> str:
        """The same in Markdown."""
        return self._render("findings.md")

    def _render(self, template: str) -> str:
        return page_template(template).render(
            page=self,
            say=sentences,
            bars=rate_bars,
            width=CHART_WIDTH,
            height=CHART_HEIGHT,
            caveat=MODEL_NOT_CAUSE,
            significance=SIGNIFICANT_MEANS,
            note=SIMULATED_SENTENCE if self.simulated else "",
        )


def rate_bars(rates: Sequence[CountRate]) -> list[dict[str, Any]]:
    """Where the bars of a chart of rates lie, in pixels: `x`, `y`, `width`, `height`, ends of the interval, label, rate."""
    if not rates:
        return []
    top = max(row.high for row in rates) or 1.0
    slot = CHART_WIDTH / len(rates)
    room = CHART_HEIGHT - _TOP - _BOTTOM

    def level(rate: float) -> float:
        return round(_TOP + room * (1 - rate / top), 1)

    return [
        {
            "x": round(number * slot + 0.15 * slot, 1),
            "middle": round((number + 0.5) * slot, 1),
            "width": round(0.7 * slot, 1),
            "y": level(row.rate),
            "height": round(CHART_HEIGHT - _BOTTOM - level(row.rate), 1),
            "low": level(row.low),
            "high": level(row.high),
            "expected": level(row.expected),
            "label": sentences.counts(row).replace(" to ", "–"),
            "rate": f"{row.rate:.1%}" if len(rates) <= 6 else f"{100 * row.rate:.0f}",
        }
        for number, row in enumerate(rates)
    ]
