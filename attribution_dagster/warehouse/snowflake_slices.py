"""Which slices there are in Snowflake, which are current, which are published: rows that are added, and views that tell what holds.

A slice is known by an id of its own. Two writers of one version make two slices of the same content, and the later is the
current one; nobody waits for a lock. What was superseded is deleted later, by `prune`.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attribution_dagster.errors import MissingInputError
from attribution_dagster.warehouse.ddl import Column
from attribution_dagster.warehouse.protocol import Manifest, PublishedSlice
from attribution_dagster.warehouse.snowflake_session import SnowflakeSession
from attribution_dagster.warehouse.snowflake_tables import SLICES_SUFFIX, SnowflakeTables
from attribution_dagster.warehouse.snowflake_text import SLICE_ID, names, text_literal


class SnowflakeSlices:
    """The books of one dataset."""

    def __init__(self, session: SnowflakeSession, tables: SnowflakeTables) -> None:
        """`session` is in the work area."""
        self._session, self._tables, self._work = session, tables, tables.work

    def replace(
        self, table: str, window_key: str, version: str, columns: Sequence[Column], loaded: str, rows: int
    ) -> None:
        """Make the rows of the temporary table `loaded` the version, and the current one, in one transaction.

        The slice's own rows are deleted first: the connector sends a statement again when its answer was lost on the way.
        """
        slice_id, target, listed = uuid.uuid4().hex, self._tables.slices(table), names(columns)
        with self._session.transaction():
            self._session.execute(f"DELETE FROM {target} WHERE {SLICE_ID} = %(slice_id)s", {"slice_id": slice_id})
            self._session.execute(
                f"INSERT INTO {target} ({SLICE_ID}, {listed}) SELECT %(slice_id)s, {listed} FROM {loaded}",
                {"slice_id": slice_id},
            )
            self._enter(table, window_key, version, slice_id, rows)

    def has(self, table: str, window_key: str, version: str) -> bool:
        """Whether the version has been written."""
        return self._of_version(table, window_key, version) is not None

    def point(self, table: str, window_key: str, version: str) -> int | None:
        """Make an existing version the current one; its number of rows, None where there is no such version."""
        found = self._of_version(table, window_key, version)
        if found is None:
            return None
        slice_id, rows = found
        self._enter(table, window_key, version, slice_id, rows)
        return rows

    def current_versions(self, tables: Iterable[str], window_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """(Table, window key) -> current version; where there is no slice, nothing."""
        wanted = {"tables": tuple(sorted(set(tables))), "windows": tuple(sorted(set(window_keys)))}
        if not all(wanted.values()):
            return {}
        found = self._session.rows(
            f"SELECT table_name, window_key, version FROM {self._work}.current_slices "
            "WHERE table_name IN (%(tables)s) AND window_key IN (%(windows)s)",
            wanted,
        )
        return {(str(table), str(key)): str(version) for table, key, version in found}

    def publish(self, window_key: str, versions: Mapping[str, str], evidence: Mapping[str, object]) -> Manifest:
        """Show readers these versions of the tables, all at once.

        Raises MissingInputError where a version is not there, and changes nothing.
        """
        values: dict[str, object] = {"manifest": uuid.uuid4().hex, "window": window_key, "at": self.now()}
        for number, (table, version) in enumerate(versions.items()):
            values |= {f"table_{number}": table, f"version_{number}": version}
        wanted = " UNION ALL ".join(
            f"SELECT %(table_{number})s AS table_name, %(version_{number})s AS version"
            for number in range(len(versions))
        )
        with self._session.transaction():
            if versions:
                self._session.execute(
                    f"INSERT INTO {self._work}.manifest_slices (manifest_id, table_name, version, slice_id, n_rows) "
                    f"SELECT %(manifest)s, wanted.table_name, wanted.version, made.slice_id, made.n_rows FROM ({wanted}) AS wanted "
                    f"INNER JOIN (SELECT table_name, version, slice_id, n_rows FROM {self._work}.slices WHERE window_key = %(window)s "
                    "QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, version ORDER BY pointed_at DESC, entry_id DESC) = 1) AS made "
                    "ON made.table_name = wanted.table_name AND made.version = wanted.version",
                    values,
                )
            self._session.execute(
                f"INSERT INTO {self._work}.manifests (manifest_id, window_key, published_at, evidence) "
                "SELECT %(manifest)s, %(window)s, CAST(%(at)s AS TIMESTAMP_NTZ), %(evidence)s",
                {**values, "evidence": json.dumps(dict(evidence), default=str)},
            )
            manifest = self._manifest("manifests", f"manifest_id = {text_literal(str(values['manifest']))}")
            assert manifest is not None
            for table in sorted(set(versions) - set(manifest.tables)):
                raise MissingInputError(
                    f"window {window_key}: there is no {table} of version {versions[table]} to publish. Run the window again."
                )
        return manifest

    def manifest(self, window_key: str) -> Manifest | None:
        """The window's manifest, None where nothing is published."""
        return self._manifest("current_manifests", f"window_key = {text_literal(window_key)}")

    def _manifest(self, book: str, condition: str) -> Manifest | None:
        found = self._session.rows(
            "SELECT shown.window_key, shown.published_at, shown.evidence, held.table_name, held.version, held.slice_id, held.n_rows "
            f"FROM {self._work}.{book} AS shown "
            f"LEFT JOIN {self._work}.manifest_slices AS held ON held.manifest_id = shown.manifest_id "
            f"WHERE shown.{condition} ORDER BY held.table_name"
        )
        if not found:
            return None
        key, at, evidence = found[0][:3]
        tables = {
            table: _published(table, version, slice_id, rows) for *_, table, version, slice_id, rows in found if table
        }
        return Manifest(window_key=key, published_at=at, tables=tables, evidence=json.loads(evidence))

    def published_windows(self) -> list[str]:
        """Keys of the published windows, oldest first."""
        found = self._session.rows(f"SELECT window_key FROM {self._work}.current_manifests ORDER BY window_key")
        return [str(key) for (key,) in found]

    def window_keys(self, unchanged_hours: float) -> list[str]:
        """Keys of the windows that have a slice of any table, oldest first; only those in which nothing changed for so long."""
        found = self._session.rows(
            f"SELECT window_key FROM (SELECT window_key, pointed_at AS changed_at FROM {self._work}.slices "
            f"UNION ALL SELECT window_key, published_at FROM {self._work}.manifests) AS changes "
            "GROUP BY window_key HAVING MAX(changed_at) <= CAST(%(latest)s AS TIMESTAMP_NTZ) ORDER BY window_key",
            {"latest": self.now() - timedelta(hours=unchanged_hours)},
        )
        return [str(key) for (key,) in found]

    def prune(self, superseded_hours: float) -> int:
        """Delete slices that are neither current nor published, in windows where nothing changed for so many hours; how many.

        Manifests that later ones have replaced go by the same rule.
        """
        latest = {"latest": self.now() - timedelta(hours=superseded_hours)}
        doomed = self._session.rows(
            "SELECT made.table_name, made.slice_id FROM "
            f"(SELECT table_name, window_key, slice_id FROM {self._work}.slices GROUP BY table_name, window_key, slice_id) AS made "
            f"INNER JOIN (SELECT table_name, window_key, MAX(pointed_at) AS last_at FROM {self._work}.slices GROUP BY table_name, window_key) AS pointed "
            "ON pointed.table_name = made.table_name AND pointed.window_key = made.window_key "
            f"LEFT JOIN {self._work}.current_manifests AS shown ON shown.window_key = made.window_key "
            f"WHERE made.slice_id NOT IN (SELECT slice_id FROM {self._work}.current_slices) "
            f"AND made.slice_id NOT IN (SELECT slice_id FROM {self._work}.published_slices) "
            "AND pointed.last_at <= CAST(%(latest)s AS TIMESTAMP_NTZ) "
            "AND (shown.published_at IS NULL OR shown.published_at <= CAST(%(latest)s AS TIMESTAMP_NTZ))",
            latest,
        )
        self._remove(doomed)
        replaced = self._session.rows(
            f"SELECT made.manifest_id FROM {self._work}.manifests AS made INNER JOIN {self._work}.current_manifests AS shown "
            "ON shown.window_key = made.window_key WHERE made.manifest_id <> shown.manifest_id "
            "AND shown.published_at <= CAST(%(latest)s AS TIMESTAMP_NTZ)",
            latest,
        )
        if replaced:
            ids = {"ids": tuple(manifest_id for (manifest_id,) in replaced)}
            with self._session.transaction():
                for book in ("manifest_slices", "manifests"):
                    self._session.execute(f"DELETE FROM {self._work}.{book} WHERE manifest_id IN (%(ids)s)", ids)
        return len(doomed)

    def remove_window(self, window_key: str) -> int:
        """Delete the window's manifests and all its slices, together; how many slices."""
        doomed = self._session.rows(
            f"SELECT DISTINCT table_name, slice_id FROM {self._work}.slices WHERE window_key = %(window)s",
            {"window": window_key},
        )
        self._remove(doomed, window_key)
        return len(doomed)

    def now(self) -> datetime:
        """The service's time (UTC, no zone): that of one clock, whoever writes."""
        moment: datetime = self._session.rows("SELECT SYSDATE()")[0][0]
        return moment

    def _remove(self, doomed: Sequence[tuple[str, str]], window_key: str | None = None) -> None:
        ids: dict[str, list[str]] = {}
        for table, slice_id in doomed:
            ids.setdefault(table, []).append(slice_id)
        with self._session.transaction():
            if window_key is not None:
                window = {"window": window_key}
                self._session.execute(
                    f"DELETE FROM {self._work}.manifest_slices WHERE manifest_id IN "
                    f"(SELECT manifest_id FROM {self._work}.manifests WHERE window_key = %(window)s)",
                    window,
                )
                self._session.execute(f"DELETE FROM {self._work}.manifests WHERE window_key = %(window)s", window)
            for table, each in ids.items():
                for where in (self._tables.slices(table), f"{self._work}.slices"):
                    self._session.execute(f"DELETE FROM {where} WHERE {SLICE_ID} IN (%(ids)s)", {"ids": tuple(each)})

    def _enter(self, table: str, window_key: str, version: str, slice_id: str, rows: int) -> None:
        self._session.execute(
            f"INSERT INTO {self._work}.slices (table_name, window_key, version, slice_id, n_rows, pointed_at, entry_id) "
            "SELECT %(table)s, %(window)s, %(version)s, %(slice_id)s, %(rows)s, SYSDATE(), %(entry)s",
            {
                "table": table,
                "window": window_key,
                "version": version,
                "slice_id": slice_id,
                "rows": rows,
                "entry": uuid.uuid4().hex,
            },
        )

    def _of_version(self, table: str, window_key: str, version: str) -> tuple[str, int] | None:
        found = self._session.rows(
            f"SELECT slice_id, n_rows FROM {self._work}.slices "
            "WHERE table_name = %(table)s AND window_key = %(window)s AND version = %(version)s ORDER BY pointed_at DESC, entry_id DESC LIMIT 1",
            {"table": table, "window": window_key, "version": version},
        )
        return (str(found[0][0]), int(found[0][1])) if found else None


def _published(table: str, version: str, slice_id: str, rows: int) -> PublishedSlice:
    return PublishedSlice(version=version, location=f"{table}{SLICES_SUFFIX}/{slice_id}", rows=int(rows))
