"""What every page says of the window it shows: dataset, window, model, checks, simulated or real."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from attribution_dagster.core.claims.standing import Standing
from attribution_dagster.reports.caveats import LEAKAGE_SENTENCE, SIMULATED, SIMULATED_SENTENCE

PASSED = "passed"
"""How the summary of a check begins that did."""


@dataclass(frozen=True, kw_only=True)
class WindowFacts:
    """A published window, as its manifest says.

    models: what a model is for -> its name and version. checks: asset and check -> what it said. standings: by variant, what its card
    concluded. leaking: variants that see the funnel.
    """

    dataset: str
    title: str
    window_key: str
    published_at: datetime
    simulated: bool
    models: Mapping[str, str]
    checks: Mapping[str, str]
    standings: Mapping[str, Standing]
    leaking: tuple[str, ...]

    @property
    def warnings(self) -> dict[str, str]:
        """The checks that did not pass; none of them blocks, or the window would not be published."""
        return {name: said for name, said in self.checks.items() if not said.startswith(PASSED)}

    @property
    def check_status(self) -> str:
        """How many checks passed, and how many warn."""
        warned = len(self.warnings)
        passed = f"{len(self.checks) - warned} checks passed"
        return passed if not warned else f"{passed}, {warned} with a warning"

    @property
    def origin(self) -> str:
        """Simulated or real, in two words."""
        return SIMULATED if self.simulated else "real data"

    @property
    def origin_means(self) -> str:
        """The same as a sentence."""
        return SIMULATED_SENTENCE if self.simulated else "As observed: nothing in it was drawn by a program."

    def ranks(self, variant: str) -> bool:
        """Whether event types may be ranked by the variant's model. One that sees the funnel ranks, to show what the funnel gives away."""
        said = self.standings.get(variant)
        return said is None or said.ranks or variant in self.leaking

    def cautions(self, variant: str | None) -> list[str]:
        """Sentences that stand above a variant's figures: leakage, a ranking that is withheld."""
        said = []
        if variant is not None and variant in self.leaking:
            said.append(LEAKAGE_SENTENCE)
        if variant is not None and not self.ranks(variant):
            said.append(f"No ranking: the model card of {variant} says why. Event types stand by name, without ranks.")
        return said
