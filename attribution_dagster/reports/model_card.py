"""The card of a model as a page, in HTML and in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attribution_dagster.core.claims.standing import Standing
from attribution_dagster.core.models.gate import MAX_CALIBRATION_ERROR
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE, MODEL_NOT_CAUSE, SIMULATED_SENTENCE
from attribution_dagster.reports.pages import page_template
from attribution_dagster.reports.summary import MODEL_TITLES

PLOT = 240
_MARGIN = 34
UNKNOWN_WORTH_SAYING = 0.01


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """All that a card says. metrics: rows of `model_metrics`. trust: rows of the trust report.

    calibration: (predicted, observed) of ten equally filled bins. rank_correlation: with logistic regression on counts.
    """

    title: str
    variant: str
    window_key: str
    model: str
    simulated: bool
    leaks: bool
    standing: Standing
    facts: Mapping[str, str]
    metrics: Sequence[Mapping[str, Any]]
    trust: Sequence[Mapping[str, Any]]
    calibration: Sequence[tuple[float, float]]
    rank_correlation: float | None
    limits: Sequence[str]

    def html(self) -> str:
        """One HTML page."""
        return self._render("model_card.html")

    def markdown(self) -> str:
        """The same in Markdown."""
        return self._render("model_card.md")

    @property
    def error(self) -> float | None:
        """The model's calibration error over all sessions."""
        return next(
            (row["ece"] for row in self.metrics if (row["model"], row["population"]) == ("transformer", "all")), None
        )

    @property
    def measured(self) -> Sequence[Mapping[str, Any]]:
        """The predictors and populations with enough sessions of either kind to have metrics."""
        return [row for row in self.metrics if row["auc"] is not None]

    def _render(self, template: str) -> str:
        marks = [LEAKAGE_SENTENCE] * self.leaks + [SIMULATED_SENTENCE] * self.simulated
        return page_template(template).render(
            card=self,
            titles=MODEL_TITLES,
            population=_population,
            verdict=_verdict,
            number=_number,
            plot=calibration_points(self.calibration),
            size=PLOT,
            margin=_MARGIN,
            bound=MAX_CALIBRATION_ERROR,
            marks=marks,
        )


def _population(name: str) -> str:
    """The sessions that a row of metrics is about, in words."""
    words = {"all": "compared", "unseen": "compared, unseen users", "uncut": "uncut"}
    return words.get(name) or f"open after {name.removeprefix('after_')} events"


def _verdict(row: Mapping[str, Any]) -> str:
    """What came of a trust test."""
    if row["passed"] is not None:
        return "passed" if row["passed"] else "failed"
    return "no bound" if row["bound_low"] is None and row["bound_high"] is None else "too little to tell"


def limits(*, best_epoch: float, unknown_types: float, max_events: int, sampled_users: int) -> list[str]:
    """What the model can't do, said of this very one."""
    found = [
        MODEL_NOT_CAUSE,
        "Intervals of metrics are over other users with this one model; how far another training moves the effects is in attribution_spread.",
        f"It reads the last {max_events:,} events of a session, of at most {sampled_users:,} users a window.",
        "It is shown to predict the window that it explains, not later ones.",
        "On simulated truth, event types are ranked about as well by logistic regression on their counts; what that can't say is "
        "which occurrence mattered (docs/truth-benchmark.md).",
    ]
    if best_epoch == 0:
        found.append(
            "The network added nothing: validation kept the additive start, so that what is explained is a logistic "
            "regression with positions, and with the pairs that the score test found. The trust tests of the explanation (deletion, insertion, "
            "occlusion_agreement, completeness, max_sensitivity) are then passed all but by construction; those of the model are not."
        )
    if unknown_types > UNKNOWN_WORTH_SAYING:
        found.append(f"{unknown_types:.1%} of the events are of types too rare to learn from, and count as unknown.")
    return found


def calibration_points(bins: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Where the points of a calibration plot lie, in pixels of a square, and the rate at its upper right corner."""
    top = 1.1 * max((value for pair in bins for value in pair), default=0.0) or 1.0
    room = PLOT - 2 * _MARGIN

    def place(predicted: float, observed: float) -> dict[str, float]:
        return {"x": round(_MARGIN + room * predicted / top, 1), "y": round(PLOT - _MARGIN - room * observed / top, 1)}

    return {"top": f"{top:.0%}", "points": [place(*pair) for pair in bins]}


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
