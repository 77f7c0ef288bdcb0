"""The summary's table of event types, and the lines on their pairs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from attribution_dagster.core.signals import BRAKE, DRIVER, direction
from attribution_dagster.reports.labels import is_signal, shorten, signed

SHOWN = 5
BAR_CELLS = 4
FUNNEL_MARK = " ◆"
_UP, _DOWN = "deep_sky_blue3", "dark_orange3"
MARKS = {DRIVER: ("▲", _UP), "above average": ("△", _UP), BRAKE: ("▼", _DOWN), "below average": ("▽", _DOWN)}


def effects(rows: Sequence[Mapping[str, Any]], is_ranked: bool) -> Table:
    """The strongest on both sides; where they may not be ranked, all that are a signal, by name."""
    ordered = sorted(rows, key=lambda row: row["mean_centred_effect"], reverse=True)
    above = [row for row in ordered if row["mean_centred_effect"] > 0][:SHOWN]
    below = [row for row in reversed(ordered) if row["mean_centred_effect"] < 0][:SHOWN]
    if not is_ranked:
        named = sorted(filter(is_signal, rows), key=lambda row: str(row["event_type"]))
        above, below = ([row for row in named if (row["mean_centred_effect"] > 0) is up] for up in (True, False))
    reach = max(abs(row["mean_centred_effect"]) for row in ordered) or 1.0
    table = table_of("▲ drivers  ▼ brakes", "", "logits (95 %)", "odds", "q", "users")
    for row in (*above, *below):
        table.add_row(*_effect_cells(row, reach))
    return table


def _effect_cells(row: Mapping[str, Any], reach: float) -> list[Text]:
    """Mark and name, bar, effect with interval, odds ratio, q, users; pale where the signal is neutral."""
    effect, low, high, q = (row[name] for name in ("mean_centred_effect", "effect_low", "effect_high", "q_value"))
    known = low is not None and high is not None
    clear = is_signal(row)
    mark, colour = MARKS[direction(row)]
    style = colour if clear else "bright_black"
    bar = ("█" if clear else "░") * max(1, round(BAR_CELLS * abs(effect) / reach))
    between = f" ({signed(low)} to {signed(high)})" if known else ""
    name = Text.assemble((f"{mark} ", style), (shorten(row["event_type"], 18), "red" if row["is_funnel"] else ""))
    name.append(FUNNEL_MARK if row["is_funnel"] else "", style="red")
    odds = math.exp(min(effect, 99))
    chance = "–" if q is None else "<.001" if q < 0.001 else f"{q:.3f}".lstrip("0")
    numbers = (signed(effect) + between, f"×{odds:.2f}" if odds < 1000 else "×>1000", chance)
    return [name, Text(bar, style=style), *(Text(number, style=style) for number in numbers), Text(f"{row['users']:,}")]


def pair_line(row: Mapping[str, Any]) -> Text:
    """What a pair of neighbours is worth beyond the two, in words."""
    first, second = (shorten(row[name], 28) for name in ("first_event_type", "second_event_type"))
    where = " at the same store" if row["same_store"] else ""
    worth = (
        "is not seen" if row["mean_effect"] is None else f"is worth {signed(row['mean_effect'])} logits beyond the two"
    )
    return Text(f"{first}, then {second}{where}: {worth} ({row['occurrences']:,} times).")


def table_of(first: str, *headings: str) -> Table:
    """An empty table: its first heading on the left, the others on the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    return table
