"""Names from outside made fit to show: one line, no control characters, short enough, glyphs that exist.

Event, store and category names come from the source and may hold anything: newlines, terminal escapes, `<script>`,
mathtext, right-to-left overrides, 200 characters. Tables keep them as they are; only what is shown passes through here.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from attribution_dagster.core.signals import NEUTRAL

NO_NAME = "(none)"
EMPTY_NAME = "(empty)"
MISSING_GLYPH = "□"
# Tried in this order after the plot's own font, where installed, so that names in other scripts stay readable.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "Noto Sans",
)
BASE_FONT = "DejaVu Sans"


def one_line(name: str | None) -> str:
    """The name without control, formatting and surrogate characters, white space folded; a stand-in for no name."""
    if name is None:
        return NO_NAME
    kept = (
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c
        for c in name
        if unicodedata.category(c) not in ("Cf", "Cs")
    )
    return " ".join("".join(kept).split()) or EMPTY_NAME


def shorten(name: str | None, limit: int) -> str:
    """`one_line(name)` in at most `limit` characters; the middle goes, since names often differ only at their end."""
    if limit < 5:
        raise ValueError(f"limit={limit} leaves no room for a name; give at least 5 characters")
    text = one_line(name)
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return text[: limit - 1 - tail] + "…" + text[len(text) - tail :]


def plot_label(name: str | None, limit: int = 26) -> str:
    """`shorten(name, limit)` with glyphs that no installed plot font has replaced by an empty box."""
    glyphs = _drawable()
    return "".join(c if ord(c) in glyphs else MISSING_GLYPH for c in shorten(name, limit))


def signed(value: float, digits: int = 2) -> str:
    """`+0.42`, `−0.42`, `0.00`, with a real minus sign."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(f"{value:.{digits}f}") == 0 else text


def is_signal(row: Mapping[str, Any]) -> bool:
    """Whether a row of an aggregate is shown as found: neither small, nor maybe chance, nor of too few users."""
    return bool(row["signal_strength"] != NEUTRAL)


@cache
def plot_fonts() -> tuple[str, ...]:
    """The base font, then those fallbacks that this machine has."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (BASE_FONT, *(name for name in FALLBACK_FONTS if name in installed))


@cache
def _drawable() -> frozenset[int]:
    from matplotlib import font_manager

    paths = (font_manager.findfont(name, fallback_to_default=True) for name in plot_fonts())
    return frozenset(code for path in paths for code in font_manager.get_font(path).get_charmap())
