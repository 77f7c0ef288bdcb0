"""Findings in a product manager's words: what an effect comes to, what the raw rates say, where it holds, how to test it."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attribution_dagster.core.claims.experiment import ALPHA, POWER, Experiment, Ground
from attribution_dagster.core.claims.holding import Holding, Stability
from attribution_dagster.core.claims.raw_rates import CountRate, Trend, Verdict
from attribution_dagster.core.signals import BRAKE, DRIVER, NEUTRAL
from attribution_dagster.reports.labels import shorten, signed

SHOWN_PLACES = 5
NAME_LENGTH = 60


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A significant effect of an event type, in logits against an average event, and all that is known of it.

    own_effect: of an occurrence by itself, in logits. direction: whether it is a driver or a brake by itself too (`core/signals.py`).
    rank: None where the model's standing does not allow to rank. baseline_effect: that of logistic regression on counts,
    None where it does not know the event type. experiment: None where nothing can be planned.
    """

    variant: str
    event_type: str
    rank: int | None
    effect: float
    low: float
    high: float
    q_value: float
    own_effect: float
    direction: str
    signal_strength: str
    occurrences: int
    users: int
    ground: Ground
    rates: Sequence[CountRate]
    trend: Trend | None
    positions: Holding
    stores: Holding
    stability: Stability
    baseline_effect: float | None
    experiment: Experiment | None

    @property
    def signal(self) -> str:
        """Size and direction in words; what is no driver or brake by itself is not called so."""
        is_called_so = self.signal_strength == NEUTRAL or self.direction in (DRIVER, BRAKE)
        return self.signal_strength if is_called_so else self.direction.capitalize()

    @property
    def odds(self) -> tuple[float, float, float]:
        """Change of the odds of converting, relative (.12 = 12 % higher), with its interval."""
        low, middle, high = (math.expm1(min(value, 50.0)) for value in (self.low, self.effect, self.high))
        return middle, low, high

    @property
    def points(self) -> float:
        """Change of the conversion rate if each session's log-odds moved by the effect (.01 = one point)."""
        return self.ground.shifted_rate(self.effect) - self.ground.rate

    @property
    def raw_verdict(self) -> Verdict:
        """What the raw rates say of the model's sign."""
        return "do not tell" if self.trend is None else self.trend.verdict(self.effect)

    @property
    def baseline_contradicts(self) -> bool:
        """Whether logistic regression on counts gives the event type the other sign."""
        return self.baseline_effect is not None and (self.baseline_effect > 0) != (self.effect > 0)


def headline(finding: Finding) -> str:
    """What was found, with its interval; and plainly, what contradicts it."""
    middle, low, high = finding.odds
    side = "higher" if finding.effect > 0 else "lower"
    text = (
        f"An occurrence of {_quoted(finding.event_type)} goes with {_share(abs(middle))} {side} odds of converting than an "
        f"average event does (95 %, models trained on other users: {change(low)} to {change(high)}), about "
        f"{signed(100 * finding.points)} points at the base rate of {_share(finding.ground.rate)}. In logits: "
        f"{signed(finding.effect, 3)} ({signed(finding.low, 3)} to {signed(finding.high, 3)})."
    )
    if finding.signal != finding.signal_strength:
        role = DRIVER if finding.effect > 0 else BRAKE
        text += f" By itself it is worth {signed(finding.own_effect)}: {finding.direction}, and no {role}."
    if finding.raw_verdict == "contradict":
        text += " The raw rates CONTRADICT it: do not act on it before that is understood."
    if finding.baseline_contradicts:
        text += " Logistic regression on counts gives it the other sign."
    return text


def raw_sentence(finding: Finding) -> str:
    """The raw rates behind it, and whether they agree."""
    if not finding.rates or finding.trend is None:
        return "It occurs equally often in all compared sessions, so raw rates say nothing."
    listed = "; ".join(
        f"{counts(row)}: {_share(row.rate)} ({_share(row.low)} to {_share(row.high)}, {row.sessions:,} sessions)"
        for row in finding.rates
    )
    slope = finding.trend
    says = {"agree": "They agree with the model", "contradict": "They CONTRADICT the model"}
    verdict = says.get(finding.raw_verdict, "They do not tell")
    return (
        f"Compared sessions of equal length converted, by how often it occurred: {listed}. {verdict}: "
        f"{signed(100 * slope.slope)} points per further occurrence ({signed(100 * slope.low)} to {signed(100 * slope.high)})."
    )


def positions_sentence(finding: Finding) -> str:
    """At which positions it holds; nobody asked models trained on other users."""
    return _holding(finding.positions, "position", "positions")


def stores_sentence(finding: Finding) -> str:
    """At which stores it holds; nobody asked models trained on other users."""
    if not finding.stores.places:
        return "No store has enough users with this event."
    return _holding(finding.stores, "store", "stores")


def stability_sentence(finding: Finding) -> str:
    """How it stands in each of the windows that the model learnt from."""
    found = finding.stability
    if not found.windows:
        return "It is too rare in each of the windows that the model learnt from to be learnt from one of them alone."
    return f"Models trained on one of its training windows alone agree on the sign: {found.same} of {found.windows}."


def experiment_sentence(finding: Finding) -> str:
    """The experiment that would test it, with its size."""
    planned = finding.experiment
    if finding.direction not in (DRIVER, BRAKE):
        return f"Association, not cause. By itself it is worth {signed(finding.own_effect)} logits: nothing to test."
    if planned is None:
        return "Association, not cause. No experiment can be planned at this base rate."
    dose = "one more" if finding.effect > 0 else "one fewer"
    unit = "window" if planned.windows == 1 else "windows"
    return (
        f"Association, not cause. To test it, randomise users, and give one arm {dose} {_quoted(finding.event_type)} per "
        f"session in place of an average event. If the effect were causal, conversion would go from "
        f"{_share(planned.control_rate)} to {_share(planned.treated_rate)}. To see that takes {planned.sessions_per_arm:,} "
        f"sessions per arm, or {planned.users_per_arm:,} users (two-sided test of two proportions, power {POWER}, alpha "
        f"{ALPHA}; design effect {finding.ground.design_effect:.2f}): {planned.windows:,} {unit} of this traffic."
    )


def counts(row: CountRate) -> str:
    """How often the event occurs in the row's sessions: `0`, `2 to 5`."""
    return f"{row.count_low:,}" if row.count_low == row.count_high else f"{row.count_low:,} to {row.count_high:,}"


def q_words(q_value: float) -> str:
    """The q-value as people write it; the smallest are all the same to them."""
    return "< 1e-9" if q_value < 1e-9 else f"{q_value:.2g}"


def nothing_found(variant: str, tested: int, known: int) -> str:
    """The sentence of a variant without a finding. known: event types of which models trained on other users tell something."""
    if tested and not known:
        return (
            f"Not known: of {_types(tested)} with enough users in variant {variant}, none could be compared between models trained on "
            "other users. That takes two pairs of such models, and enough occurrences in the sessions that they explain."
        )
    found = f"Nothing significant: of {_types(known)} with enough users, none has an effect with q below .05 in variant {variant}."
    return f"{found} {not_known(tested, known)}".strip()


def nothing_claimed(variant: str, reasons: Sequence[str]) -> str:
    """The sentence of a variant whose model does not allow to claim anything, whatever its effects."""
    return f"No findings in variant {variant}, whatever its tables say: {reasons[0]}."


def not_known(tested: int, known: int) -> str:
    """The sentence on event types that can be neither found nor ruled out; empty without any."""
    if tested == known:
        return ""
    return f"Not known of {_types(tested - known)}: too rare to be compared between models trained on other users."


def _types(number: int) -> str:
    return "1 event type" if number == 1 else f"{number} event types"


def _holding(found: Holding, one: str, many: str) -> str:
    where = f"{len(found.same)} of {found.places} {one if found.places == 1 else many} with enough users"
    parts = [f"Under this one model it holds at {where}"]
    if found.same:
        parts[0] += f" ({_names(found.same)})"
    if found.opposite:
        parts.append(f"the opposite sign at {_names(found.opposite)}")
    if found.unclear:
        parts.append(f"not clear at {_names(found.unclear)}")
    return "; ".join(parts) + "."


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(shorten(name, 30) for name in names[:SHOWN_PLACES])
    return shown if len(names) <= SHOWN_PLACES else f"{shown} and {len(names) - SHOWN_PLACES} more"


def _quoted(name: str) -> str:
    return f"“{shorten(name, NAME_LENGTH)}”"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def change(value: float) -> str:
    """A relative change in percent, with its sign."""
    return f"{signed(100 * value, 1)} %"


def small(findings: Iterable[Finding]) -> list[Finding]:
    """Those whose size is that of no effect, significant as they are."""
    return [finding for finding in findings if finding.signal_strength == NEUTRAL]
