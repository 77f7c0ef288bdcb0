"""A model as a program without Python: `torch.export`, and ONNX for runtimes that know no torch.

The program takes what `EncodedSequences.batch` gives, ids, scaled numbers and the mask, of any number of sessions and
events up to the model's `max_events`, and returns logits. Preprocessing, calibration and attribution are not in it; an
empty session has no row in it.
"""

from pathlib import Path

import torch

from attribution_dagster.core.models.transformer import AttributionModel

INPUTS, OUTPUT = ("codes", "numbers", "is_event"), "logit"


def export_program(model: AttributionModel) -> torch.export.ExportedProgram:
    """Return the forward pass as a graph: logits (B,) for (B, T, C), (B, T, K) and (B, T)."""
    return torch.export.export(model.eval(), _example(model), dynamic_shapes=_shapes(model))


def export_onnx(model: AttributionModel, path: Path) -> None:
    """Write the same graph as one ONNX file. Needs the packages onnx and onnxscript; raises ImportError without them."""
    torch.onnx.export(
        export_program(model),
        (),
        path,
        dynamo=True,
        input_names=list(INPUTS),
        output_names=[OUTPUT],
        external_data=False,
        verbose=False,
    )


def _example(model: AttributionModel) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A made-up batch of two sessions, of other sizes than the model has anywhere, lest one be taken for the other."""
    n_events = min(5, model.spec.max_events)
    return (
        torch.ones(2, n_events, len(model.spec.categories), dtype=torch.long),
        torch.zeros(2, n_events, len(model.spec.numbers)),
        torch.ones(2, n_events, dtype=torch.bool),
    )


def _shapes(model: AttributionModel) -> tuple[dict[int, torch.export.Dim], ...]:
    sessions, events = torch.export.Dim("sessions"), torch.export.Dim("events", max=model.spec.max_events)
    return tuple({0: sessions, 1: events} for _ in INPUTS)
