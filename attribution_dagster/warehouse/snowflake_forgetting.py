"""Takes a user out of all slices in one transaction, and keeps the user out of what is read from then on."""

import secrets
import uuid
from collections.abc import Iterable

from attribution_dagster.warehouse.forgetting import FREE_TEXT, REFERENCES, Forgettable
from attribution_dagster.warehouse.protocol import Forgotten
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_tables import SnowflakeTables
from attribution_dagster.warehouse.snowflake_text import SLICE_ID
from attribution_dagster.warehouse.suppression import Suppression

_EDGES = ' \t\r\n;|"'
"""Between the cells of a quoted line; like a comma."""


class SnowflakeForgetting:
    """The list of one dataset's forgotten users, and the deleting."""

    def __init__(self, session: SnowflakeSession, tables: SnowflakeTables) -> None:
        """`session` is in the work area."""
        self._session, self._tables, self._work = session, tables, tables.work

    def suppression(self) -> Suppression:
        """The list as it is stored; its salt is made with the first use."""
        salt = self._session.rows(f"SELECT MIN(salt) FROM {self._work}.suppression_salt")[0][0]
        if salt is None:
            self._session.execute(
                f"INSERT INTO {self._work}.suppression_salt SELECT %(salt)s "
                f"WHERE NOT EXISTS (SELECT 1 FROM {self._work}.suppression_salt)",
                {"salt": secrets.token_hex(16)},
            )
            return self.suppression()
        hashes = self._session.rows(f"SELECT DISTINCT user_hash FROM {self._work}.suppressed ORDER BY user_hash")
        return Suppression(salt=salt, hashes=tuple(each for (each,) in hashes))

    def add(self, user_id: str) -> None:
        """Put the user on the list."""
        self._session.execute(
            f"INSERT INTO {self._work}.suppressed SELECT %(user_hash)s", {"user_hash": self.suppression().hash(user_id)}
        )

    def forget(self, user_id: str) -> Forgotten:
        """Delete the user's rows, of published slices too. What changed gets another version, which no asset has a record of."""
        user, holding = Forgettable(user_id=user_id), f"forgotten_{uuid.uuid4().hex}"
        values = {"user": user_id, "sessions": user.session_prefix, "edges": _EDGES, "commas": "," * len(_EDGES)}
        rows: dict[str, int] = {}
        self._session.execute(f"CREATE TEMPORARY TABLE {holding} (slice_id VARCHAR, n_removed BIGINT)")
        with self._session.transaction():
            for table, columns in sorted(self._tables.stored().items()):
                removed = self._remove(table, columns, values, holding)
                if removed is not None:
                    rows[table] = removed
            windows = self._renew(holding)
        self._session.execute(f"DROP TABLE {holding}")
        return Forgotten(rows=rows, windows=windows)

    def _remove(self, table: str, columns: Iterable[str], values: dict[str, str], holding: str) -> int | None:
        """Delete the user's rows of a table and note their slices; how many, None if nothing of it names the user."""
        known, where = set(columns), self._tables.slices(table)
        own = [f"{name} = %(user)s" for name in sorted(known) if name == "user_id" or name.endswith("_user_id")]
        own += ["STARTSWITH(session_id, %(sessions)s)"] if "session_id" in known else []
        own += [_quotes(name) for name in FREE_TEXT if name in known]
        references = [name for name in REFERENCES if name in known]
        if not own:
            return None
        is_own = f"COALESCE({' OR '.join(f'COALESCE({each}, FALSE)' for each in own)}, FALSE)"
        names_user = " OR ".join(
            [is_own, *(f"COALESCE(STARTSWITH({name}, %(sessions)s), FALSE)" for name in references)]
        )
        noted = self._session.execute(
            f"INSERT INTO {holding} SELECT {SLICE_ID}, COUNT(CASE WHEN {is_own} THEN 1 END) FROM {where} WHERE {names_user} GROUP BY {SLICE_ID}",
            values,
        ).rowcount
        if not noted:
            return None
        for name in references:
            self._session.execute(f"UPDATE {where} SET {name} = NULL WHERE STARTSWITH({name}, %(sessions)s)", values)
        return int(self._session.execute(f"DELETE FROM {where} WHERE {is_own}", values).rowcount or 0)

    def _renew(self, holding: str) -> tuple[str, ...]:
        """Give the noted slices another version and their true number of rows, in all books; the windows they are of."""
        suffix = {"suffix": uuid.uuid4().hex[:8]}
        for book in ("slices", "manifest_slices"):
            self._session.execute(
                f"UPDATE {self._work}.{book} SET version = CONCAT(SPLIT_PART({book}.version, '.', 1), '.', %(suffix)s), "
                f"n_rows = {book}.n_rows - gone.n_removed FROM {holding} AS gone WHERE gone.slice_id = {book}.slice_id",
                suffix,
            )
        found = self._session.rows(
            f"SELECT DISTINCT window_key FROM {self._work}.slices WHERE slice_id IN (SELECT slice_id FROM {holding}) ORDER BY window_key"
        )
        return tuple(str(key) for (key,) in found)


def _quotes(column: str) -> str:
    """Whether a quoted line holds the id as a cell of its own."""
    cells = f"CONCAT(',', TRANSLATE({column}, %(edges)s, %(commas)s), ',')"
    return f"CONTAINS({cells}, CONCAT(',', TRANSLATE(%(user)s, %(edges)s, %(commas)s), ','))"
