"""The picture of a session: drawn whatever its events are called, and however many there are."""

import io
from datetime import datetime, timedelta

import pytest
from PIL import Image

from attribution_dagster.reports.session_picture import SHOWN, session_png

START = datetime(2026, 1, 31, 12)


def rows(count: int) -> list[dict]:
    return [
        {
            "event_at": START + timedelta(seconds=7 * place),
            "event_type": ("$x^2$ <b>\n" + "view" * 30, "检索", "a")[place % 3],
            "centred_attribution": None if place == 0 else (-1) ** place * 0.3,
            "gradient_attribution": None if place == 0 else 0.1,
        }
        for place in range(count)
    ]


@pytest.mark.parametrize("count", [1, 3, SHOWN + 5])
def test_draws_any_session(count: int) -> None:
    drawn = session_png(rows(count), [None] + [0.2] * (count - 1), "u$1_\n<i>: predicted probability 9 %")
    picture = Image.open(io.BytesIO(drawn))
    assert picture.format == "PNG" and picture.width > 600 and picture.height < 2500
