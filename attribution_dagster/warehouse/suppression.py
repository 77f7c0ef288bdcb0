"""Users who must not come back: salted hashes of their ids, which reading the source leaves out.

The salt is random and lies beside the hashes. Whoever has both and a list of candidate ids can test each: the list
shows that an id that is already known was forgotten, not whose it was.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from attribution_dagster.atomic import replace_file
from attribution_dagster.warehouse.queries import literal

_FILE = "suppressed.json"
_SEPARATORS = r"[,;|\t\"]"


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """The list of one dataset."""

    salt: str
    hashes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Changes with the list; empty without one."""
        return hashlib.sha256("".join(self.hashes).encode()).hexdigest()[:16] if self.hashes else ""

    def hash(self, user_id: str) -> str:
        """How the list holds the user."""
        return hashlib.sha256((self.salt + user_id).encode()).hexdigest()

    def keeps_sql(self, user_id: str) -> str | None:
        """A condition, for DuckDB, that holds for rows of users who may stay; None if all may. `user_id` is an expression."""
        if not self.hashes:
            return None
        return f"coalesce(sha256({literal(self.salt)} || CAST({user_id} AS VARCHAR)) NOT IN ({self._listed()}), true)"

    def keeps_line_sql(self, line: str) -> str | None:
        """The same for a line that could not be read as a row: none of its cells may be such an id."""
        if not self.hashes:
            return None
        cells = f"regexp_split_to_array({line}, {literal(_SEPARATORS)})"
        hashed = f"list_transform({cells}, lambda cell: sha256({literal(self.salt)} || trim(cell)))"
        return f"coalesce(NOT list_has_any({hashed}, [{self._listed()}]), true)"

    def _listed(self) -> str:
        return ", ".join(map(literal, self.hashes))


def load_suppression(folder: Path) -> Suppression:
    """The list in a dataset's folder; empty, with a fresh salt, where there is none yet."""
    try:
        content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Suppression(salt=secrets.token_hex(16), hashes=())
    return Suppression(salt=content["salt"], hashes=tuple(content["hashes"]))


def add_to_suppression(folder: Path, user_id: str) -> Suppression:
    """The list with the user added, as it is stored now."""
    known = load_suppression(folder)
    longer = Suppression(salt=known.salt, hashes=tuple(sorted({*known.hashes, known.hash(user_id)})))
    content = json.dumps({"salt": longer.salt, "hashes": longer.hashes}, indent=1)
    replace_file(folder / _FILE, content.encode())
    return longer
