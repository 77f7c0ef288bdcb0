"""Windows as Dagster partitions, derived from the dataset's profile."""

from datetime import date

import dagster as dg

from attribution_dagster.datasets.profile import Profile
from attribution_dagster.datasets.windows import next_boundary
from attribution_dagster.errors import ConfigurationError

_CRON = {"day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}


def window_partitions(profile: Profile) -> dg.TimeWindowPartitionsDefinition:
    """One partition per window; its key is the local date on which the window starts."""
    return _partitions(profile, profile.windows.start)


def explained_partitions(profile: Profile) -> dg.TimeWindowPartitionsDefinition:
    """The windows that have a full look-back before them: those a model can explain.

    Raises:
        ConfigurationError: the windows end before the first of these begins.
    """
    spec, first = profile.windows, profile.windows.start
    for _ in range(spec.look_back):
        first = next_boundary(first, spec.length)
    if spec.end is not None and first >= spec.end:
        raise ConfigurationError(
            f"dataset {profile.name}: windows.look_back {spec.look_back} leaves no window to explain between windows.start {spec.start} and "
            f"windows.end {spec.end}: lower look_back, or move the end"
        )
    return _partitions(profile, first)


def _partitions(profile: Profile, start: date) -> dg.TimeWindowPartitionsDefinition:
    spec = profile.windows
    return dg.TimeWindowPartitionsDefinition(
        start=start.isoformat(),
        end=spec.end.isoformat() if spec.end else None,
        cron_schedule=_CRON[spec.length],
        timezone=profile.time_zone,
        fmt="%Y-%m-%d",
    )


def training_windows(profile: Profile) -> dg.TimeWindowPartitionMapping:
    """The windows whose tensors a window's model may read: those that train it, and its own, on which it is measured."""
    reach = profile.windows.look_back + profile.windows.retrain_every - 1
    # With `retrain_every` the reach of the first windows goes beyond the first of all; the asset asks for what it needs by name.
    return dg.TimeWindowPartitionMapping(start_offset=-reach, allow_nonexistent_upstream_partitions=True)
