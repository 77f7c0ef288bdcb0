"""Trains a journey model: binary cross-entropy over all journeys, AdamW, early stopping on the latest of them, calibration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from attribution_dagster.core.journeys.journeys import CATEGORIES, NUMBERS, EncodedJourneys, Journeys
from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
from attribution_dagster.core.models.calibration import fit_platt
from attribution_dagster.core.models.metrics import log_loss
from attribution_dagster.core.models.training import CurvePoint
from attribution_dagster.core.sequences.batches import budget_batches, shuffled_batches
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

HALF_LIVES_HOURS = (12.0, 24.0, 48.0, 96.0)
_NETWORK = ("embeddings.", "projection.", "lstm.", "pooling.")
_PRIOR_VARIANCE = 10.0  # of the response's weights, in squared logits
_Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class JourneyTraining:
    """token_budget: padded cells per batch; patience: epochs without improvement before training stops."""

    max_epochs: int = 4
    token_budget: int = 4096
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    patience: int = 2
    min_count: int = 5

    def __post_init__(self) -> None:
        for name in ("max_epochs", "token_budget", "patience", "min_count"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate={self.learning_rate} must be positive")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedJourneys:
    """A model, its curves, the epoch it was best at, and the logits (S,) of the validation journeys."""

    model: JourneyModel
    curves: tuple[CurvePoint, ...]
    best_epoch: float
    validation_logits: _Floats


def train_journeys(
    train: Journeys,
    validation: Journeys,
    spec: JourneySpec,
    training: JourneyTraining,
    *,
    seed: int,
    product_vectors: Mapping[str, npt.ArrayLike] | None = None,
    progress: Progress | None = None,
) -> TrainedJourneys:
    """Return a model fitted to `train`, stopped at its best epoch on `validation` and calibrated there.

    product_vectors: embeddings of products learnt elsewhere, by product id, of size `d_category`, to start from.

    Raises ValueError where a set lacks purchases or journeys without one; FloatingPointError when a loss is not finite.
    """
    for name, part in (("training", train), ("validation", validation)):
        if len(np.unique(part.label)) < 2:
            raise ValueError(f"the {name} journeys are all alike ({int(part.label.sum())} of {len(part.label)} bought)")
    torch.manual_seed(seed)
    model = fresh_model(train, spec, training)
    model.share_products(product_vectors or {})
    fit_first(model, train)
    course = _Course(model, validation)
    course.evaluate(0.0, course.training_loss(train), 0.0)
    _run(course, train, training, seed, progress or _silent)
    model.load_state_dict(course.weights_to_keep())
    _finish(model, train)
    logits = predict_logits(model, model.encode(validation))
    model.calibration = fit_platt(logits, validation.label)
    return TrainedJourneys(
        model=model, curves=tuple(course.curves), best_epoch=course.best_epoch, validation_logits=logits
    )


def predict_logits(model: JourneyModel, data: EncodedJourneys, token_budget: int = 16_384) -> _Floats:
    """Return logits (S,); of a journey without ads the base rate's, given its context."""
    logits = np.zeros(len(data.lengths))
    with torch.inference_mode():
        for rows in all_batches(data.lengths, token_budget):
            logits[rows] = model(data.batch(rows)).double().numpy()
    return logits


def predict(model: JourneyModel, journeys: Journeys) -> _Floats:
    """Return calibrated probabilities of a purchase, (S,)."""
    return model.calibration.probability(predict_logits(model, model.encode(journeys)))


def all_batches(lengths: npt.NDArray[np.int64], token_budget: int) -> "list[npt.NDArray[np.int64]]":
    """Return batches of all journeys under the budget, also of those without events, which `budget_batches` leaves out."""
    return list(budget_batches(np.maximum(lengths, 1), token_budget))


def shuffled_journeys(
    data: EncodedJourneys, token_budget: int, generator: np.random.Generator
) -> "list[npt.NDArray[np.int64]]":
    """Return an epoch's batches under the budget, of journeys of like length, in an order by chance; also those without events."""
    return shuffled_batches(np.maximum(data.lengths, 1), token_budget, generator)


def split_by_time(journeys: Journeys, validation_share: float = 0.2) -> tuple[Journeys, Journeys]:
    """Return the earlier journeys and the latest days of them, about that share, whole days on either side."""
    at = np.asarray(journeys.sequences.started_at_us)
    cut = np.quantile(at, 1 - validation_share, method="higher")
    late = at >= cut
    return journeys.select(np.flatnonzero(~late)), journeys.select(np.flatnonzero(late))


def resample_users(journeys: Journeys, seed: int) -> Journeys:
    """Return all journeys of users drawn with replacement, as many as there are."""
    user = journeys.user
    order = np.argsort(user, kind="stable")
    counts = np.bincount(user)
    starts = np.cumsum(counts) - counts
    drawn = np.random.default_rng(seed).integers(0, len(counts), len(counts))
    offsets = np.repeat(starts[drawn] - (np.cumsum(counts[drawn]) - counts[drawn]), counts[drawn])
    return journeys.select(order[offsets + np.arange(len(offsets))])


def fresh_model(train: Journeys, spec: JourneySpec, training: JourneyTraining) -> JourneyModel:
    """Return a model that has learnt nothing but vocabulary and scales."""
    sequences = train.sequences
    vocabulary = Vocabulary.fit(sequences, CATEGORIES, training.min_count)
    model = JourneyModel(spec, vocabulary, NumberScaling.fit(sequences, NUMBERS))
    with torch.no_grad():
        model.context_mean.copy_(torch.from_numpy(train.context.mean(axis=0)))
        model.context_scale.copy_(torch.from_numpy(np.maximum(train.context.std(axis=0), 1e-3)))
    return model


def fit_first(model: JourneyModel, train: Journeys) -> None:
    """Fit all but the network, by logistic regression; the half-life is the one under which the training journeys are likeliest."""
    from sklearn.linear_model import LogisticRegression

    data, found = model.encode(train), []
    context = model.context_features(torch.from_numpy(train.context)).numpy()
    for hours in HALF_LIVES_HOURS:
        model.response.half_life_hours.fill_(hours)
        inputs = response_features(model, data)
        columns = np.concatenate([inputs, context], axis=1) if model.spec.uses_intent else inputs
        fitted = LogisticRegression(C=_PRIOR_VARIANCE, max_iter=500).fit(columns, train.label)
        loss = log_loss(fitted.decision_function(columns), train.label)
        found.append((loss, hours, fitted.coef_[0], float(fitted.intercept_[0])))
    _, hours, weights, intercept = min(found, key=lambda each: each[0])
    size = len(model.response.weight)
    with torch.no_grad():
        model.response.half_life_hours.fill_(hours)
        model.response.weight.copy_(torch.from_numpy(weights[:size]))
        model.bias.fill_(intercept)
        if model.spec.uses_intent:
            model.context_weight.copy_(torch.from_numpy(weights[size:]))


def response_features(model: JourneyModel, data: EncodedJourneys) -> _Floats:
    """Return the response term's inputs for all journeys, (S, F)."""
    found = np.zeros((len(data.lengths), len(model.response.weight)))
    with torch.inference_mode():
        for rows in all_batches(data.lengths, 16_384):
            found[rows] = model.response.features(data.batch(rows)).numpy()
    return found


class _Course:
    """The model's way over the validation journeys: the curves so far and the best weights."""

    def __init__(self, model: JourneyModel, validation: Journeys) -> None:
        self.model, self.data, self.label = model, model.encode(validation), validation.label
        self.curves: list[CurvePoint] = []
        self.best_loss, self.best_epoch = np.inf, 0.0
        self.best: dict[str, torch.Tensor] = {}

    def training_loss(self, train: Journeys) -> float:
        return log_loss(predict_logits(self.model, self.model.encode(train)), train.label)

    def weights_to_keep(self) -> dict[str, torch.Tensor]:
        """The best weights. Where the fitted start was best the network adds nothing, and keeps the states that it learnt."""
        if self.best_epoch > 0:
            return self.best
        learnt = {k: v for k, v in self.model.state_dict().items() if k.startswith(_NETWORK)}
        return {**self.best, **learnt}

    def evaluate(self, epoch: float, training_loss: float, rate: float) -> None:
        loss = log_loss(predict_logits(self.model, self.data), self.label)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the validation loss became {loss} at epoch {epoch:.0f}; lower learning_rate")
        self.curves.append(
            CurvePoint(epoch=epoch, training_loss=training_loss, validation_loss=loss, learning_rate=rate)
        )
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}


def _run(course: _Course, train: Journeys, training: JourneyTraining, seed: int, progress: Progress) -> None:
    model, data = course.model, course.model.encode(train)
    label, generator = torch.from_numpy(train.label).float(), np.random.default_rng(seed)
    epochs = [shuffled_journeys(data, training.token_budget, generator) for _ in range(training.max_epochs)]
    optimiser = torch.optim.AdamW(model.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    n_steps = sum(map(len, epochs))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, training.learning_rate, total_steps=n_steps, pct_start=0.1
    )
    # A batch holds few long journeys or many short ones: each journey weighs the same, or the base rate is not learnt.
    per_step = len(label) * len(epochs) / n_steps
    for number, batches in enumerate(epochs, start=1):
        total = 0.0
        for rows in batches:
            optimiser.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(model(data.batch(rows)), label[rows], reduction="sum")
            (loss / per_step).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        rate = float(schedule.get_last_lr()[0])
        course.evaluate(float(number), total / len(label), rate)
        progress(f"epoch {number}, validation log-loss {course.curves[-1].validation_loss:.4f}", number / len(epochs))
        if number - course.best_epoch >= training.patience:
            return


def _finish(model: JourneyModel, train: Journeys) -> None:
    """Add the mean event, its worth, and the base rate's logit; let go of gradients."""
    model.eval()
    model.zero_grad(set_to_none=True)
    data, total, worth = model.encode(train), torch.zeros(model.spec.d_model, dtype=torch.float64), 0.0
    with torch.inference_mode():
        for rows in all_batches(data.lengths, 16_384):
            batch = data.batch(rows)
            total += model.embed(batch)[batch.is_event].sum(dim=0, dtype=torch.float64)
            worth += float(model.additive(batch).sum())
        n_events = max(int(data.lengths.sum()), 1)
        model.mean_event.copy_((total / n_events).float())
        model.mean_additive.fill_(worth / n_events)
        model.base_logit.copy_(model.bias)


def _silent(message: str, done: float) -> None:
    """Report nothing."""
