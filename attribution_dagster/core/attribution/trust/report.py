"""The trust report of a model on the window it explains: every test, the curves for the picture, and each effect's spread."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from attribution_dagster.core.attribution.registry import ATTRIBUTORS
from attribution_dagster.core.attribution.trust.agreement import (
    LEAST_NAMES,
    correlations,
    halves,
    noise,
    where_known,
    windows,
)
from attribution_dagster.core.attribution.trust.criteria import TrustTest, judged
from attribution_dagster.core.attribution.trust.deletion import Explained, deleted_logits, explain_events
from attribution_dagster.core.attribution.trust.effects import (
    EVENT_TYPE,
    MODEL,
    OCCURRENCE,
    rank_correlation,
)
from attribution_dagster.core.attribution.trust.faithfulness import SHARES, curves, label_faithfulness
from attribution_dagster.core.attribution.trust.retraining import (
    Training,
    trained_on_halves,
    trained_on_permuted_labels,
    trained_on_windows,
    with_shuffled_weights,
)
from attribution_dagster.core.attribution.trust.sensitivity import max_sensitivity
from attribution_dagster.core.attribution.trust.spread import SpreadRow, spread_rows
from attribution_dagster.core.attribution.trust.subject import Subject, users_of
from attribution_dagster.core.models.baselines import count_names, fit_baselines
from attribution_dagster.core.models.metrics import bootstrap_auc
from attribution_dagster.core.models.prediction import predict
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import Vocabulary
from attribution_dagster.core.uncertainty import Z_95, clustered_standard_error

OCCLUSION, CONTROL = "occlusion_masked", "random"
CENTRED = "_centred"
"""Ending of the tests that go by the centred attribution, which ranks, in place of the signed one."""
CONVERTED_PER_TYPE = 10
"""Converted training sessions for each ranked event type, below which what a model learnt is not judged (Peduzzi et al. 1996)."""
_Floats = npt.NDArray[np.float64]
_Strings = npt.NDArray[np.object_]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class TrustSpec:
    """How much is spent. sessions: those whose effects are compared; curve_sessions: of these, those that many copies are scored of.

    halves: pairs of models on halves of the users. permutations: models on permuted labels. shuffles: models with shuffled
    weights. epochs: the most that each of these models is trained for; the champion's own are the limit, and 0 stands for the
    additive part alone. compared: methods whose curves stand beside the method's.
    """

    sessions: int = 1500
    curve_sessions: int = 120
    halves: int = 6
    permutations: int = 2
    shuffles: int = 4
    epochs: int = 1
    compared: tuple[str, ...] = (OCCLUSION, "attention_mean", CONTROL)

    def __post_init__(self) -> None:
        for name, least in (
            ("sessions", 1),
            ("curve_sessions", 1),
            ("halves", 1),
            ("permutations", 1),
            ("shuffles", 1),
            ("epochs", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)} must be at least {least}")
        if unknown := set(self.compared) - set(ATTRIBUTORS):
            raise ValueError(f"compared: {sorted(unknown)} are none of {sorted(ATTRIBUTORS)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrustReport:
    """tests; curves: method -> mean logit per share deleted, most and least relevant first; at_random: the same in random order."""

    tests: tuple[TrustTest, ...]
    effects: tuple[SpreadRow, ...]
    shares: tuple[float, ...] = SHARES
    curves: Mapping[str, tuple[_Floats, _Floats]] = field(default_factory=dict)
    at_random: _Floats | None = None

    @property
    def failed(self) -> list[TrustTest]:
        """The blocking tests that failed."""
        return [test for test in self.tests if test.blocking and test.passed is False]


def trust_report(
    model: AttributionModel,
    risk_set: SequenceSet,
    training: Training,
    spec: TrustSpec,
    *,
    method: str = "gradient_x_input",
    leaks: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrustReport:
    """Return the report on what `method` says of the model, on the sessions of the explained window's risk set.

    leaks: the model sees the funnel, which all but decides the outcome. What is left for the other event types is then too
    little to rank them by, and nobody should: `halves` only warns.
    """
    tell = progress or (lambda message, share: None)
    subject = Subject.of(model, risk_set, method, spec.sessions, spec.curve_sessions, seed)
    tell("prediction", 0.05)
    tests = [*_prediction(subject, training, risk_set, seed)]
    tell("faithfulness", 0.15)
    faithful, drawn = _faithfulness(subject, spec, seed)
    tests += faithful
    tell("sensitivity and shuffled weights", 0.35)
    tests += [_sensitivity(subject, seed), *_shuffled(subject, spec, seed)]
    retrained, spread = _retrained(subject, training, spec, seed, tell, leaks)
    tell("done", 1.0)
    return TrustReport(tests=(*tests, *retrained), effects=tuple(spread), **drawn)


def _retrained(
    subject: Subject, training: Training, spec: TrustSpec, seed: int, tell: Progress, leaks: bool
) -> tuple[list[TrustTest], list[SpreadRow]]:
    """Return what models say that are trained again: on halves of the users, on single windows, on permuted labels."""
    tell("models on halves of the users", 0.5)
    needed = CONVERTED_PER_TYPE * max(len(subject.groups[EVENT_TYPE].names), 1)
    converted = int(training.train_set.label.sum()) / needed
    pairs = trained_on_halves(training, spec.halves, seed)
    of_halves = [(subject.effects_of(one), subject.effects_of(other)) for one, other in pairs]
    tell("models on single windows", 0.65)
    alone = trained_on_windows(training, seed)
    of_windows = [where_known(subject, window, subject.effects_of(other)) for window, other in alone]
    tell("models on permuted labels", 0.75)
    of_noise = list(map(subject.effects_of, trained_on_permuted_labels(training, spec.permutations, seed)))
    tests = [
        *halves(subject, of_halves, converted >= 2, blocking=not leaks),
        *noise(subject, of_noise, converted >= 1),
        *windows(subject, of_windows, min((int(w.label.sum()) for w, _ in alone), default=0) >= needed),
    ]
    spread = [
        row
        for granularity, grouping in subject.groups.items()
        for row in spread_rows(granularity, grouping, subject.effects[granularity], of_halves, of_windows)
    ]
    return tests, spread


def _prediction(subject: Subject, training: Training, risk_set: SequenceSet, seed: int) -> list[TrustTest]:
    learnt_from = SequenceSet.concatenate([training.train_set, training.validation_set])
    counts = fit_baselines(learnt_from)["counts"]
    scores = {"model": predict(subject.model, risk_set), "counts": counts.predict(risk_set)}
    intervals, gains = bootstrap_auc(scores, risk_set.label, users_of(risk_set), seed=seed)
    auc, gain = intervals.get("model"), gains.get("counts")
    agreement = _baseline_agreement(subject, learnt_from, counts.weights)
    better = gain is not None and gain.low > 0  # a baseline that predicts worse contradicts nobody
    said = label_faithfulness(
        subject.model, subject.data, subject.explained, subject.sessions.label, users_of(subject.sessions), seed
    )
    interval = {
        name: (i.value, i.low, i.high) if i else (None, None, None)
        for name, i in (("auc", auc), ("gain", gain), ("label", said.gain))
    }
    return [
        judged("auc", MODEL, *interval["auc"], method=subject.name),
        judged("label_faithfulness", OCCURRENCE, *interval["label"], method=subject.name),
        judged("baseline_auc_gain", MODEL, *interval["gain"], method=subject.name),
        judged(
            "baseline_agreement",
            EVENT_TYPE,
            agreement,
            method=subject.name,
            control=better,
            enough=len(subject.groups[EVENT_TYPE].names) >= LEAST_NAMES,
        ),
    ]


def _baseline_agreement(subject: Subject, learnt_from: SequenceSet, weights: _Floats | None) -> float | None:
    assert weights is not None
    known = dict(zip(count_names(Vocabulary.fit(learnt_from, ["event_type"], 5)), weights, strict=True))
    types = subject.groups[EVENT_TYPE]
    both = [
        (known[name], effect)
        for name, effect in zip(types.names, subject.effects[EVENT_TYPE], strict=True)
        if name in known
    ]
    return rank_correlation(*np.array(both).reshape(-1, 2).T)


def _faithfulness(subject: Subject, spec: TrustSpec, seed: int) -> tuple[list[TrustTest], dict[str, Any]]:
    model, few = subject.model, subject.few
    others = dict.fromkeys(name for name in (*spec.compared, OCCLUSION) if name != subject.name)
    said = {subject.name: subject.few_explained} | {
        name: explain_events(ATTRIBUTORS[name](model), model, few) for name in others
    }
    orders = {name: each.signed for name, each in said.items()} | {CENTRED: subject.few_explained.centred}
    found = curves(model, few, orders, seed)
    tests = []
    for name, drawn in found.items():
        method, kind = (subject.name, CENTRED) if name == CENTRED else (name, "")
        for test, area in ((f"deletion{kind}", drawn.deletion), (f"insertion{kind}", drawn.insertion)):
            mean, error = float(area.mean()), Z_95 * clustered_standard_error(area, subject.few_users)
            interval = (mean - error, mean + error) if np.isfinite(error) else (None, None)
            tests.append(judged(test, OCCURRENCE, mean, *interval, method=method, control=method != subject.name))
    tests += [*_agreement(subject, said[OCCLUSION]), _completeness(subject)]
    drawn_curves = {name: (found[name].most_first.mean(axis=1), found[name].least_first.mean(axis=1)) for name in said}
    return tests, {"curves": drawn_curves, "at_random": found[subject.name].at_random.mean(axis=1)}


def _agreement(subject: Subject, occluded: Explained) -> list[TrustTest]:
    ours, theirs = subject.few_effects(subject.few_explained.centred), subject.few_effects(occluded.centred)
    return [
        judged(
            "occlusion_agreement",
            name,
            rank_correlation(ours[name], theirs[name]),
            method=subject.name,
            enough=len(ours[name]) >= LEAST_NAMES,
        )
        for name in ours
    ]


def _completeness(subject: Subject) -> TrustTest:
    few = subject.few
    session = np.repeat(np.arange(len(few.lengths)), few.lengths)
    total = np.bincount(session, subject.few_explained.signed, len(few.lengths))
    nothing = deleted_logits(subject.model, few, np.zeros((1, int(few.offsets[-1])), dtype=bool))[0]
    difference = subject.few_explained.logit - nothing
    residual = np.abs(total - difference) / np.maximum(np.abs(difference), 0.1)
    low, middle, high = np.quantile(residual, [0.25, 0.5, 0.75]).tolist()
    return judged("completeness", OCCURRENCE, middle, low, high, method=subject.name)


def _sensitivity(subject: Subject, seed: int) -> TrustTest:
    largest = max_sensitivity(subject.model, subject.few, subject.method, seed)
    mean, error = float(largest.mean()), Z_95 * clustered_standard_error(largest, subject.few_users)
    interval = (mean - error, mean + error) if np.isfinite(error) else (None, None)
    return judged("max_sensitivity", OCCURRENCE, mean, *interval, method=subject.name)


def _shuffled(subject: Subject, spec: TrustSpec, seed: int) -> list[TrustTest]:
    ours = subject.few_effects(subject.few_explained.centred)
    found = []
    for number in range(spec.shuffles):
        other = with_shuffled_weights(subject.model, subject.few, seed + number)
        found.append(subject.few_effects(explain_events(subject.method(other), other, subject.few).centred))
    return correlations("parameter_randomisation", subject.name, [(ours, each) for each in found], unsigned=True)
