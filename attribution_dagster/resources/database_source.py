"""The copy of the database table that a dataset's events come from: where it lies, and bringing it up to date."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from attribution_dagster.datasets.coverage import latest_plausible
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.resources.progress import Progress
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.copying import LENGTHS, TableCopy
from attribution_dagster.warehouse.database import DatabaseTable
from attribution_dagster.warehouse.files import hash_texts
from attribution_dagster.warehouse.queries import Query, columns_read, load_query, traced
from attribution_dagster.warehouse.source import check_columns
from attribution_dagster.warehouse.suppression import Suppression


def is_from_database(profile: Profile, settings: Settings) -> bool:
    """Whether the events are in a database, and no file takes their place."""
    return profile.name not in settings.events and profile.source is not None and profile.source.database is not None


def copy_folder(profile: Profile, settings: Settings) -> Path:
    """Where the copy of the dataset's table lies."""
    return settings.home / "copied" / profile.name


def update_copy(profile: Profile, settings: Settings, listed: Suppression, progress: Progress, since: date | None = None) -> int:  # fmt: skip
    """Copies what is new in the table, and everything from the local date `since` on; the number of rows copied.

    Raises:
        ConfigurationError: the dataset's events are in no database, or the address is not set or can't be used.
        SourceError: the table, or a column that the staging SQL reads, is not there.
        OSError: the database does not answer; what was copied stays.
    """
    if profile.source is None or profile.source.database is None:
        raise ConfigurationError(f"dataset {profile.name}: its events are in no database (source.database in its YAML)")
    spec, staging = profile.source.database, _staging(profile, settings)
    read = columns_read(staging, "raw_events")
    table = DatabaseTable(spec, _url(profile, settings), read)
    check_columns(spec.table, table.columns, sorted(read - set(profile.optional_columns)), f"dataset {profile.name}", staging)  # fmt: skip
    copy = _copy(profile, settings, listed, staging)
    progress.start(f"copying {spec.table}")
    rows = copy.update(
        table,
        hash_texts([table.place, spec.table, spec.resume_by, spec.slice, str(table.schema)]),
        datetime.now(UTC).replace(tzinfo=None),
        latest_plausible(),
        progress.advance,
        _midnight(since, profile) if since else None,
    )
    progress.finish(f"{rows:,} rows")
    return rows


def forget_in_copy(profile: Profile, settings: Settings, listed: Suppression) -> None:
    """Takes the rows of the users on the list out of the copy, where there is one."""
    if copy_folder(profile, settings).exists() and profile.source is not None and profile.source.database is not None:
        _copy(profile, settings, listed, _staging(profile, settings)).leave_out()


def _staging(profile: Profile, settings: Settings) -> Query:
    return load_query(f"staging/stg_events__{profile.staging}", folders=settings.dataset_folders)


def _copy(profile: Profile, settings: Settings, listed: Suppression, staging: Query) -> TableCopy:
    assert profile.source is not None and profile.source.database is not None
    spec = profile.source.database
    return TableCopy(
        copy_folder(profile, settings),
        slice_length=LENGTHS[spec.slice],
        late=timedelta(hours=spec.late_hours),
        keeps=_kept(staging, listed),
    )


def _url(profile: Profile, settings: Settings) -> str:
    assert profile.source is not None and profile.source.database is not None
    variable = profile.source.database.url_variable
    if not settings.database_urls.get(variable):
        raise ConfigurationError(
            f"dataset {profile.name}: {variable} is not set. It holds the address of the database, such as postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    return settings.database_urls[variable]


def _kept(staging: Query, listed: Suppression) -> str | None:
    """A condition on the rows that may be copied; None where all may."""
    if not listed.hashes:
        return None
    user = traced(staging, "user_id", "raw_events", "duckdb")
    if user is None:
        raise ConfigurationError(
            f"{staging.name}: it can't be told from which columns of raw_events user_id is made, so users who were forgotten can't be kept out of the copy of "
            "the table. Make user_id of columns of raw_events only."
        )
    return listed.keeps_sql(user)


def _midnight(day: date, profile: Profile) -> datetime:
    return datetime.combine(day, time(), tzinfo=ZoneInfo(profile.time_zone)).astimezone(UTC).replace(tzinfo=None)
