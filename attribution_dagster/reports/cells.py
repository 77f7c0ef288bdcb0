"""How values stand in tables for people: 1,234 | 0.123 | 1,234.5 | < 0.001 | 12.3 % | $1,234.50 | yes | 2025-01-31."""

from datetime import datetime
from typing import Any

from attribution_dagster.reports.labels import one_line
from attribution_dagster.reports.sections.section import Kind

NOTHING = "–"


def written(value: Any, kind: Kind) -> str:
    """The value as text on one line; a dash for none. What is shown as HTML has to be escaped afterwards."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return (
            f"{value:%Y-%m-%d}" if kind == "time" and value.time() == value.min.time() else f"{value:%Y-%m-%d %H:%M:%S}"
        )
    if kind == "yes_no":
        return "yes" if value else "no"
    if kind == "count":
        return f"{value:,.0f}"
    if kind == "number":
        return f"{value:,.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    if kind == "amount":
        return f"{value:,.1f}"
    if kind == "p_value":
        return f"{value:.3f}" if value >= 0.001 else "< 0.001"
    if kind == "share":
        return f"{100 * value:.1f} %" if abs(value) >= 0.1 else f"{100 * value:.2f} %"
    if kind == "usd":
        return f"${value:,.2f}" if value >= 0 else f"−${-value:,.2f}"
    return one_line(str(value))


def is_text(kind: Kind) -> bool:
    """Whether values of the kind are words, which stand on the left."""
    return kind in ("text", "long_text", "yes_no", "time")
