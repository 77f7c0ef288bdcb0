"""Journey models in a folder: `weights.safetensors` and `model.json` each (specification, vocabulary, scaling, calibration)."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from attribution_dagster.core.journeys.lstm import JourneyModel, JourneySpec
from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

FORMAT = 1


def save_journey_model(model: JourneyModel, folder: Path) -> None:
    """Write the model to a folder, which is made."""
    folder.mkdir(parents=True)
    weights = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, str(folder / "weights.safetensors"))
    description = {
        "format": FORMAT,
        "spec": model.spec.to_json(),
        "vocabulary": model.vocabulary.to_json(),
        "scaling": model.scaling.to_json(),
        "calibration": model.calibration.to_json(),
    }
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")


def load_journey_model(folder: Path) -> JourneyModel:
    """Return the stored model in evaluation mode.

    Raises ValueError naming the folder when it holds no model, or one of another format.
    """
    if not (folder / "model.json").exists():
        raise ValueError(f"{folder} holds no journey model: model.json is missing; train it first")
    said = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if said.get("format") != FORMAT:
        raise ValueError(f"{folder}: model format {said.get('format')} is not {FORMAT}; train it again")
    vocabulary, scaling = Vocabulary.from_json(said["vocabulary"]), NumberScaling.from_json(said["scaling"])
    model = JourneyModel(JourneySpec(**said["spec"]), vocabulary, scaling)
    model.load_state_dict(load_file(str(folder / "weights.safetensors")))
    model.calibration = Calibration(**said["calibration"])
    return model.eval()
