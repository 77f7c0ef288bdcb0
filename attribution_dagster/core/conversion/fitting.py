"""Models of conversion: parameters chosen on a later slice, log-odds calibrated on it, the best model named."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from attribution_dagster.core.conversion.estimators import ESTIMATORS, Estimator
from attribution_dagster.core.conversion.estimators.estimator import Floats
from attribution_dagster.core.conversion.sample import Sample
from attribution_dagster.core.models.calibration import Calibration, fit_platt
from attribution_dagster.core.models.metrics import log_loss

_DESCRIPTION = "conversion_model.json"


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """An estimator with its calibration. `loss` is the calibrated log-loss on the slice that it was chosen on."""

    name: str
    estimator: Estimator
    calibration: Calibration
    parameters: Mapping[str, Any]
    loss: float

    def log_odds(self, features: npt.ArrayLike) -> Floats:
        """Return calibrated log-odds, (N,)."""
        return self.calibration.slope * self.estimator.log_odds(features) + self.calibration.intercept

    def probability(self, features: npt.ArrayLike) -> Floats:
        """Return calibrated probabilities, (N,)."""
        return self.calibration.probability(self.estimator.log_odds(features))

    def contributions(self, features: npt.ArrayLike) -> Floats:
        """Return the parts of the calibrated log-odds, (N, K + 1), the constant last; rows sum to `log_odds`."""
        parts = self.calibration.slope * self.estimator.contributions(features)
        parts[:, -1] += self.calibration.intercept
        return parts


@dataclass(frozen=True, kw_only=True)
class ModelSet:
    """The models of one feature set, by name; `best` has the lowest loss."""

    names: tuple[str, ...]
    models: Mapping[str, FittedModel]

    @property
    def best(self) -> FittedModel:
        """Return the model with the lowest loss on the slice that all were chosen on."""
        return min(self.models.values(), key=lambda model: model.loss)

    def save(self, folder: Path) -> None:
        """Write each model in its own format, and `conversion_model.json` with features, parameters, calibrations and losses."""
        folder.mkdir(parents=True, exist_ok=True)
        described = {}
        for name, model in self.models.items():
            model.estimator.save(folder)
            described[name] = {
                "parameters": dict(model.parameters),
                "calibration": asdict(model.calibration),
                "loss": model.loss,
            }
        content = {"features": self.names, "best": self.best.name, "models": described}
        (folder / _DESCRIPTION).write_text(json.dumps(content, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "ModelSet":
        """Return the models saved in the folder. Raises FileNotFoundError where there are none."""
        content = json.loads((Path(folder) / _DESCRIPTION).read_text(encoding="utf-8"))
        models = {
            name: FittedModel(
                name=name,
                estimator=ESTIMATORS[name].load(folder),
                calibration=Calibration(**described["calibration"]),
                parameters=described["parameters"],
                loss=described["loss"],
            )
            for name, described in content["models"].items()
        }
        return cls(names=tuple(content["features"]), models=models)


def fit_models(
    fit_on: Sample, choose_on: Sample, *, trials: int, trees: int | None = None, threads: int = 1, seed: int = 0
) -> ModelSet:
    """Return all models of the registry, each with the best of its first `trials` candidates.

    `trees` replaces the candidates' number of trees. Raises ValueError where a slice lacks a class.
    """
    models = {
        name: _fit_best(name, fit_on, choose_on, trials=trials, trees=trees, threads=threads, seed=seed)
        for name in ESTIMATORS
    }
    return ModelSet(names=fit_on.names, models=models)


def _fit_best(
    name: str, fit_on: Sample, choose_on: Sample, *, trials: int, trees: int | None, threads: int, seed: int
) -> FittedModel:
    found = []
    for parameters, machine in candidates(name, trials=trials, trees=trees, threads=threads):
        estimator = ESTIMATORS[name](**parameters, **machine, seed=seed)
        estimator.fit(fit_on.features, fit_on.label)
        raw = estimator.log_odds(choose_on.features)
        calibration = fit_platt(raw, choose_on.label)
        found.append(
            FittedModel(
                name=name,
                estimator=estimator,
                calibration=calibration,
                parameters=parameters,
                loss=log_loss(calibration.slope * raw + calibration.intercept, choose_on.label),
            )
        )
    return min(found, key=lambda model: model.loss)


def candidates(
    name: str, *, trials: int, trees: int | None = None, threads: int = 1
) -> Iterator[tuple[dict[str, Any], dict[str, int]]]:
    """Yield the parameters that are tried of an estimator, and what it is told of the machine; `trees` replaces their number of trees."""
    for candidate in ESTIMATORS[name].candidates[:trials]:
        parameters = dict(candidate)
        if trees is not None and "trees" in parameters:
            parameters["trees"] = trees
        yield parameters, {"threads": threads} if "trees" in parameters else {}
