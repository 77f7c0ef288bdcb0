"""A model in a folder: `weights.safetensors` and `model.json` (specification, vocabulary, scaling, calibration)."""

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import load_file, save_file

from attribution_dagster.core.models.calibration import Calibration
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.sequence_set import replace_folder
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

FORMAT = 2
_FILES = ("weights.safetensors", "model.json")


def save_model(model: AttributionModel, folder: Path) -> None:
    """Write the model beside `folder`, then move it into place, replacing what is there."""
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.parent / f".{folder.name}-{uuid.uuid4().hex}"
    staging.mkdir()
    try:
        weights = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
        save_file(weights, str(staging / "weights.safetensors"))
        description = {
            "format": FORMAT,
            "spec": model.spec.to_json(),
            "vocabulary": model.vocabulary.to_json(),
            "scaling": model.scaling.to_json(),
            "calibration": model.calibration.to_json(),
        }
        (staging / "model.json").write_text(json.dumps(description), encoding="utf-8")
        replace_folder(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def model_bytes(folder: Path) -> dict[str, bytes]:
    """Return the stored model as what its files hold, by their names: to be sent where the folder isn't."""
    return {name: (Path(folder) / name).read_bytes() for name in _FILES}


def load_model_bytes(files: Mapping[str, bytes]) -> AttributionModel:
    """Return the model of `model_bytes` in evaluation mode."""
    with TemporaryDirectory(prefix="attribution-") as folder:
        for name in _FILES:
            (Path(folder) / name).write_bytes(files[name])
        return load_model(Path(folder))


def load_model(folder: Path) -> AttributionModel:
    """Return the stored model in evaluation mode.

    Raises ValueError naming the folder when it holds no model, or one of another format.
    """
    folder = Path(folder)
    if not (folder / "model.json").exists():
        raise ValueError(f"{folder} holds no model: model.json is missing; train it first")
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    if description.get("format") != FORMAT:
        raise ValueError(f"{folder}: model format {description.get('format')} is not {FORMAT}; train it again")
    model = AttributionModel(
        ModelSpec.from_json(description["spec"]),
        Vocabulary.from_json(description["vocabulary"]),
        NumberScaling.from_json(description["scaling"]),
    )
    model.load_state_dict(load_file(str(folder / "weights.safetensors")))
    model.calibration = Calibration(**description["calibration"])
    return model.eval()
