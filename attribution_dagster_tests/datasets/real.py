"""Files of real events, which their makers' terms keep out of the project: tests of them are skipped where they aren't, and say what to get."""

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("TEST_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
HILLSTROM = FOLDER / "hillstrom.csv"
SHOPPERS = FOLDER / "online_shoppers_intention.csv"
TAOBAO = FOLDER / "taobao_userbehavior.csv"
_MAKERS = {
    HILLSTROM: "the e-mail challenge of MineThatData, March 2008",
    SHOPPERS: "number 468 of the UCI repository",
    TAOBAO: "the first 84,252 rows of Tianchi's user behaviour, with a line of names: user_id,item_id,category_id,behavior,ts",
}


def needs_file(path: Path) -> pytest.MarkDecorator:
    """Skips a test where the file isn't."""
    reason = f"no {path.name} ({_MAKERS[path]}) in {path.parent}, or in the folder that TEST_REAL_DATA names"
    return pytest.mark.skipif(not path.is_file(), reason=reason)
