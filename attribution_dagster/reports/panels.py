"""The picture of one variant and window: event types, converted against others, positions, event type by position."""

import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from attribution_dagster.reports.caveats import EFFECT_UNIT, LEAKAGE_SENTENCE, MODEL_NOT_CAUSE, SIMULATED
from attribution_dagster.reports.labels import plot_label, shorten
from attribution_dagster.reports.palette import ALARM, INK
from attribution_dagster.reports.panel_axes import (
    draw_both_sides,
    draw_event_types,
    draw_heatmap,
    draw_positions,
    top_rows,
)
from attribution_dagster.reports.style import report_style

WIDTH_INCHES, HEIGHT_INCHES, DOTS_PER_INCH = 16.0, 12.0, 100
TITLE_POINTS = 19.0


@dataclass(frozen=True, kw_only=True)
class PanelHeader:
    """What the title says. Sessions and conversions are those of the risk set behind the aggregates.

    is_ranked: whether event types may be ranked.
    """

    dataset_title: str
    window_key: str
    variant: str
    sessions: int
    converted: int
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    simulated: bool = False
    leaks: bool = False
    is_ranked: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.converted <= self.sessions:
            raise ValueError(f"converted={self.converted} must lie between 0 and sessions={self.sessions}")

    def facts(self) -> str:
        """One line: window, variant, sessions, AUC."""
        share = f" ({self.converted / self.sessions:.1%})" if self.sessions else ""
        facts = [
            f"window {shorten(self.window_key, 30)}",
            f"variant {self.variant}",
            f"{self.sessions:,} compared sessions, {self.converted:,} converted{share}",
        ]
        if not self.is_ranked:
            facts.append("NO RANKING: event types by name")
        if self.auc is not None:
            between = (
                "" if self.auc_low is None or self.auc_high is None else f" ({self.auc_low:.3f} to {self.auc_high:.3f})"
            )
            facts.append(f"AUC {self.auc:.3f}{between}")
        return "  ·  ".join(facts)


@dataclass(frozen=True, kw_only=True)
class PanelTables:
    """Rows of one window of the event-type, position and event-type-by-position attribution tables.

    retrained: of which tables, "events" or "positions", the intervals are over models trained on other users.
    """

    events: pa.Table
    positions: pa.Table
    event_positions: pa.Table
    retrained: frozenset[str] = frozenset()


def draw_panels(tables: PanelTables, header: PanelHeader) -> Figure:
    """The picture, 1600 x 1200 pixels. A table with nothing to draw (no rows, all NULL) gives a panel that says so."""
    with report_style():
        figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        top = _draw_header(figure, header)
        figure.set_layout_engine("constrained", rect=(0.006, 0.052, 0.988, top - 0.052), wspace=0.05, hspace=0.06)
        grid = figure.add_gridspec(2, 2)
        rows = top_rows(tables.events, is_ranked=header.is_ranked)
        draw_event_types(
            figure.add_subplot(grid[0, 0]),
            rows,
            tables.events.num_rows,
            is_retrained="events" in tables.retrained,
            is_ranked=header.is_ranked,
        )
        draw_both_sides(figure.add_subplot(grid[0, 1]), rows)
        draw_positions(
            figure.add_subplot(grid[1, 0]), tables.positions.to_pylist(), is_retrained="positions" in tables.retrained
        )
        draw_heatmap(figure.add_subplot(grid[1, 1]), rows, tables.event_positions.to_pylist())
        figure.text(
            0.012, 0.010, f"Effect: {EFFECT_UNIT}.\n{MODEL_NOT_CAUSE}", fontsize=10, color="#444444", linespacing=1.4
        )
        return figure


def panels_png(tables: PanelTables, header: PanelHeader) -> bytes:
    """The picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    with report_style():
        draw_panels(tables, header).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def save_panels(folder: Path, tables: PanelTables, header: PanelHeader) -> Path:
    """Write `attention_attribution_analysis_<variant>.png` into the folder, whole or not at all; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / picture_name(header.variant)
    unfinished = folder / f".tmp-{uuid.uuid4().hex}.png"
    try:
        unfinished.write_bytes(panels_png(tables, header))
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def picture_name(variant: str | None = None) -> str:
    """File name of a variant's picture; without a variant the familiar unsuffixed name, which is no_funnel's."""
    return f"attention_attribution_analysis{'_' + variant if variant else ''}.png"


def _draw_header(figure: Figure, header: PanelHeader) -> float:
    """Draw banner and titles; returns the height (0 to 1) below which the panels may begin."""
    top = 1.0
    if header.leaks:
        banner = Rectangle((0, 0.958), 1, 0.042, transform=figure.transFigure, facecolor=ALARM, edgecolor="none")
        figure.add_artist(banner)
        figure.text(0.5, 0.979, LEAKAGE_SENTENCE, color="white", fontsize=12, weight="bold", ha="center", va="center")
        top = 0.955
    words = f"What drives conversion, according to the model: {plot_label(header.dataset_title, 34)}"
    title = figure.text(0.012, top - 0.014, words, fontsize=TITLE_POINTS, weight="bold", va="top")
    room = (0.85 if header.simulated else 0.97) * WIDTH_INCHES * DOTS_PER_INCH
    title.set_fontsize(TITLE_POINTS * min(1.0, room / title.get_window_extent().width))
    figure.text(0.012, top - 0.050, plot_label(header.facts(), 200), fontsize=12, color="#444444", va="top")
    if header.simulated:
        frame = {"boxstyle": "round,pad=0.4", "facecolor": "#FFF4CC", "edgecolor": INK, "linewidth": 0.8}
        figure.text(0.985, top - 0.022, SIMULATED, fontsize=12, weight="bold", ha="right", va="top", bbox=frame)
    return top - 0.078
