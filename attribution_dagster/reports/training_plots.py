"""Two small pictures of a training: how the loss fell, and whether predicted probabilities come true."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from attribution_dagster.reports.palette import BRAKE, DRIVER, UNCERTAIN
from attribution_dagster.reports.style import quiet, report_style

BINS = 10


def learning_curve(
    epochs: Sequence[float], training_loss: Sequence[float], validation_loss: Sequence[float], best_epoch: float
) -> bytes:
    """A PNG: both losses by epoch, and the epoch whose weights were kept."""
    from matplotlib.figure import Figure

    with report_style():
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(epochs, training_loss, color=UNCERTAIN, marker="o", label="training")
        axes.plot(epochs, validation_loss, color=DRIVER, marker="o", label="validation")
        axes.axvline(best_epoch, color=BRAKE, linestyle=":", label=f"kept: epoch {best_epoch:.3g}")
        axes.set(title="Learning curve", xlabel="epoch", ylabel="log-loss")
        axes.legend(frameon=False)
        quiet(axes, grid="y")
        return png(figure)


def calibration_plot(probabilities: npt.ArrayLike, labels: npt.ArrayLike, title: str) -> bytes:
    """A PNG: the observed rate of conversion against the predicted one, in ten equally filled bins."""
    from matplotlib.figure import Figure

    predicted, observed = reliability(probabilities, labels)
    with report_style():
        figure = Figure(figsize=(4.8, 4.8), layout="constrained")
        axes = figure.add_subplot()
        top = 1.05 * max([*predicted, *observed, 0.01])
        axes.plot([0, top], [0, top], color=UNCERTAIN, linestyle=":", label="calibrated")
        axes.plot(predicted, observed, color=DRIVER, marker="o", label="a tenth of the sessions each")
        axes.set(title=title, xlabel="predicted", ylabel="observed", xlim=(0, top), ylim=(0, top))
        axes.legend(frameon=False, loc="upper left")
        quiet(axes, grid="y")
        return png(figure)


def reliability(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[list[float], list[float]]:
    """Mean predicted probability and observed rate of each bin, in order; bins without a session are left out."""
    predicted, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), BINS) if len(part)]
    return [float(predicted[p].mean()) for p in parts], [float(truth[p].mean()) for p in parts]


def png(figure: object) -> bytes:
    """The figure as a PNG."""
    target = io.BytesIO()
    # Without a date in the file, the same numbers give the same bytes.
    figure.savefig(target, format="png", dpi=110, metadata={"Software": None})  # type: ignore[attr-defined]
    return target.getvalue()
