"""A small picture of how far the attribution methods agree."""

import base64
import io

import numpy as np
import pyarrow as pa

from attribution_dagster.reports.palette import INK
from attribution_dagster.reports.style import BRAKE_TO_DRIVER, report_style

TITLES = {"occurrence": "Events within a session", "event_type": "Event types"}


def agreement_picture(agreement: pa.Table) -> str:
    """A PNG in base64: the rank correlation of every two methods, within sessions and of event types; a dash where there is none."""
    from matplotlib.figure import Figure

    rows = agreement.to_pylist()
    methods = list(dict.fromkeys(row["method"] for row in rows))
    with report_style():
        figure = Figure(figsize=(10.4, 4.8), layout="constrained")
        for axes, (granularity, title) in zip(figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True):
            values = np.eye(len(methods))
            for row in rows:
                if row["granularity"] == granularity:
                    known = row["rank_correlation"] is not None
                    place = methods.index(row["method"]), methods.index(row["other_method"])
                    values[place] = row["rank_correlation"] if known else np.nan
            axes.imshow(values, cmap=BRAKE_TO_DRIVER, vmin=-1, vmax=1)
            for (down, across), value in np.ndenumerate(values):
                shown = "–" if np.isnan(value) else f"{value:.2f}"
                colour = "white" if abs(value) > 0.7 else INK
                axes.text(across, down, shown, ha="center", va="center", fontsize=8, color=colour)
            axes.set_title(f"{title}: rank correlation", fontsize=11)
            axes.set_xticks(range(len(methods)), methods, rotation=40, ha="right", fontsize=8.5)
            axes.set_yticks(range(len(methods)), methods, fontsize=8.5)
            axes.spines[:].set_visible(False)
        target = io.BytesIO()
        figure.savefig(target, format="png", dpi=100, metadata={"Software": None})
    return base64.b64encode(target.getvalue()).decode()
