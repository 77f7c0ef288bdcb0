"""What a model is made of and how it is trained; both refuse nonsense by name."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

READOUTS = ("additive", "plain")


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A transformer over the events of a session, read at CLS.

    readout: `additive` adds bias + sum of (weight of the event type) x (weight of the position); `plain` does not.
    local_convolution: each event's embedding plus a small map of this event and the one before.
    neighbour_pairs: the additive readout also weighs pairs of neighbouring event types that pass a score test.
    """

    categories: Sequence[str]
    numbers: Sequence[str] = ()
    d_model: int = 192
    n_heads: int = 6
    n_layers: int = 3
    d_feedforward: int = 768
    d_category: int = 32
    dropout: float = 0.1
    max_events: int = 200
    readout: str = "additive"
    local_convolution: bool = True
    neighbour_pairs: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "categories", tuple(self.categories))
        object.__setattr__(self, "numbers", tuple(self.numbers))
        for name in ("d_model", "n_heads", "n_layers", "d_feedforward", "d_category", "max_events"):
            _require(getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be at least 1")
        _require(self.d_model % self.n_heads == 0, f"d_model={self.d_model} is not divisible by n_heads={self.n_heads}")
        _require(0.0 <= self.dropout < 1.0, f"dropout={self.dropout} must lie in [0, 1)")
        _require(self.readout in READOUTS, f"readout={self.readout!r} must be one of {READOUTS}")
        _require("event_type" in self.categories, f"categories={self.categories} must hold event_type")
        names = (*self.categories, *self.numbers)
        _require(len(set(names)) == len(names), f"a column is named twice in {names}")

    def to_json(self) -> dict[str, Any]:
        """Return a value that json can write."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "ModelSpec":
        """Return the specification that `to_json` wrote."""
        return ModelSpec(**value)


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """AdamW with warm-up and linear decay, early stopping on the validation log-loss.

    token_budget: padded cells per batch. unknown_dropout: share of tokens replaced by `unknown`, so that it is trained.
    patience: evaluations without improvement before training stops. averaging: decay of the moving average of weights
    that is evaluated and kept; 0 keeps the latest. additive_penalty: precision of the normal prior on
    the additive weights (1 = scikit-learn's C=1).
    """

    max_epochs: int = 3
    token_budget: int = 2048
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warm_up_share: float = 0.1
    gradient_norm: float = 1.0
    evaluations_per_epoch: int = 2
    patience: int = 6
    min_count: int = 5
    unknown_dropout: float = 0.01
    averaging: float = 0.995
    additive_penalty: float = 1.0

    def __post_init__(self) -> None:
        for name in ("max_epochs", "token_budget", "evaluations_per_epoch", "patience", "min_count"):
            _require(getattr(self, name) >= 1, f"{name}={getattr(self, name)} must be at least 1")
        for name in ("learning_rate", "gradient_norm", "additive_penalty"):
            _require(getattr(self, name) > 0.0, f"{name}={getattr(self, name)} must be positive")
        for name in ("warm_up_share", "unknown_dropout", "averaging"):
            _require(0.0 <= getattr(self, name) < 1.0, f"{name}={getattr(self, name)} must lie in [0, 1)")
        _require(self.weight_decay >= 0.0, f"weight_decay={self.weight_decay} must not be negative")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
