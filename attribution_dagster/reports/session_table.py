"""How well conversion is predicted from a table of sessions, as one page: figures that differ, side by side, and why they do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attribution_dagster.reports.caveats import MODEL_NOT_CAUSE, SIMULATED_SENTENCE
from attribution_dagster.reports.pages import page_template

FIGURES = (
    ("full", "cross_validated", "chance folds"),
    ("full", "all", "in time"),
    ("without_suspected", "cross_validated", "chance folds, without what is suspected"),
    ("without_suspected", "all", "in time, without what is suspected"),
)
"""Feature set and segment of conversion_metrics, and what the page calls them."""
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SessionTablePage:
    """metrics, suspects: rows of conversion_metrics and suspected_attributes."""

    title: str
    window_key: str
    simulated: bool
    metrics: Sequence[Row]
    suspects: Sequence[Row]

    def html(self) -> str:
        """One HTML page."""
        return self._render("session_conversion.html")

    def markdown(self) -> str:
        """The same in Markdown."""
        return self._render("session_conversion.md")

    def _render(self, template: str) -> str:
        note = SIMULATED_SENTENCE if self.simulated else ""
        return page_template(template).render(page=self, note=note, caveat=MODEL_NOT_CAUSE)

    @property
    def headings(self) -> list[str]:
        """What each column of figures is."""
        return [name for feature_set, segment, name in FIGURES if self._of(feature_set, segment)]

    @property
    def rows(self) -> list[list[str]]:
        """For each model its name, and its AUC with the interval in each figure."""
        columns = [found for feature_set, segment, _ in FIGURES if (found := self._of(feature_set, segment))]
        models = [model for model in columns[0] if model != "base_rate"] if columns else []
        return [[model, *(_within(column[model]) for column in columns)] for model in models]

    @property
    def suspected(self) -> list[list[str]]:
        """For each suspected number and part: sessions, conversion rate, AUC of the number alone, who has it."""
        return [
            [
                f"{row['attribute']}, {row['part']} sessions",
                f"{row['n_sessions']:,}",
                f"{row['conversion_rate']:.1%}",
                "–" if row["auc"] is None else f"{row['auc']:.3f}",
                f"{row['converted_without']:.1%}",
                f"{row['others_with']:.1%}",
            ]
            for row in self.suspects
        ]

    @property
    def reasons(self) -> list[str]:
        """Why the figures differ, and which of them to go by."""
        said = [
            "Chance folds mix early and late sessions, so a model has seen the time that it predicts. That figure is the one that is usually "
            "published, and the least useful.",
            "In time, models of the earlier sessions predict the later ones: what a model in use would meet.",
        ]
        for name in dict.fromkeys(row["attribute"] for row in self.suspects):
            before, after = (row for row in self.suspects if row["attribute"] == name)
            said.append(
                f"{name} may know the outcome. Alone it has an AUC of {_auc(before)} in the earlier sessions and {_auc(after)} in the later "
                f"ones; of the converted, {before['converted_without']:.1%} are without it earlier and {after['converted_without']:.1%} later, "
                "so what was learnt from it holds as far as that stays. Without it, what the visitor did is left."
            )
        return said

    def _of(self, feature_set: str, segment: str) -> dict[str, Row]:
        return {
            row["model"]: row
            for row in self.metrics
            if (row["feature_set"], row["segment"], row["metric"]) == (feature_set, segment, "auc")
        }


def _within(row: Row) -> str:
    return f"{row['value']:.3f} ({row['value_low']:.3f} to {row['value_high']:.3f})"


def _auc(row: Row) -> str:
    return "an unknown value" if row["auc"] is None else f"{row['auc']:.3f}"
