"""One published session with the model and the sequence that it was published with, to be asked again by any method."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution_dagster.errors import AttributionError, MissingInputError
from attribution_dagster.resources.workspace import Workspace

if TYPE_CHECKING:
    from attribution_dagster.core.models.transformer import AttributionModel
    from attribution_dagster.core.sequences.sequence_set import SequenceSet

EFFECTS = ("signed_attribution", "centred_attribution", "gradient_attribution")
Rows = Sequence[Mapping[str, Any]]


def published_folders(workspace: Workspace, variant: str, window_key: str) -> tuple[Path, Path]:
    """Where the model and the sequences lie that the window was published with; never those made since.

    Raises:
        MissingInputError: they are gone.
    """
    manifest = workspace.warehouse.manifest(window_key)
    explained: Mapping[str, Mapping[str, str]] = manifest.evidence.get("explained_by", {}) if manifest else {}  # type: ignore[assignment]
    found, artifacts = explained.get(variant), workspace.artifacts
    model = sequences = None
    if found is not None:
        model = artifacts.folder(f"{variant}/trained_model", found["trained_for_window"], found["model_version"])
        sequences = artifacts.folder(f"{variant}/sequence_tensors", window_key, found["sequences_version"])
    if model is None or sequences is None:
        raise MissingInputError(
            f"the model or the sequences that window {window_key} of {workspace.profile.name} was published with are gone: run the window "
            "again, or leave out --method to see what was published"
        )
    return model, sequences


def published_sequence(
    workspace: Workspace, sequences: Path, window_key: str, session_id: str, events: int
) -> "SequenceSet":
    """The session's sequence, of so many events.

    Raises:
        AttributionError: it is not there as it was published.
    """
    import numpy as np

    from attribution_dagster.core.sequences.sequence_set import SequenceSet

    known = SequenceSet.open(sequences)
    place = np.flatnonzero(known.session_id.to_numpy(zero_copy_only=False) == session_id)
    if len(place) != 1 or known.lengths[place[0]] != events:
        raise AttributionError(
            f"session {session_id!r} is not in the sequences of window {window_key} of {workspace.profile.name} as it was published: "
            "run the window again"
        )
    return known.select(place)


def explained_by(
    model: "AttributionModel", session: "SequenceSet", method: str, rows: Rows
) -> tuple[Rows, float | None]:
    """The rows with another method's attributions, and what their sum misses where known."""
    from attribution_dagster.core.attribution.sessions import attribute_sessions

    found = attribute_sessions(model, session, method)
    effects = [row for batch in found for row in batch.select([*EFFECTS, "residual"]).to_pylist()]
    explained = [{**row, **effect} for row, effect in zip(rows, effects, strict=True)]
    return explained, effects[0]["residual"]


def probability_without(
    model: "AttributionModel", session: "SequenceSet", removed: Sequence[int]
) -> tuple[float, float]:
    """The session's calibrated probability as it was, and as if the events at these positions had not happened.

    Later events move up, ranks and gaps are recomputed. Positions before those that the model reads change nothing.
    """
    import numpy as np
    import torch

    from attribution_dagster.core.attribution.contributions import evaluating
    from attribution_dagster.core.attribution.occlusion import dropped_logit

    data = model.encode(session)
    batch = data.batch(np.array([0]))
    gone = torch.zeros_like(batch.is_event)
    for position in removed:
        if position >= data.first_event[0]:
            gone[0, position - int(data.first_event[0])] = True
    with evaluating(model), torch.no_grad():
        embedded = model.embed(batch)
        logits = torch.cat([model.score(embedded, batch), dropped_logit(model, batch, embedded, gone)])
    before, after = model.calibration.probability(logits.numpy().astype(float))
    return float(before), float(after)
