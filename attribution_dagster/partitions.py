"""Windows as Dagster partitions, derived from the dataset's profile."""

import dagster as dg

from attribution_dagster.datasets.profile import Profile

_CRON = {"day": "0 0 * * *", "week": "0 0 * * 1", "month": "0 0 1 * *"}


def window_partitions(profile: Profile) -> dg.TimeWindowPartitionsDefinition:
    """One partition per window; its key is the local date on which the window starts."""
    spec = profile.windows
    return dg.TimeWindowPartitionsDefinition(
        start=spec.start.isoformat(),
        end=spec.end.isoformat() if spec.end else None,
        cron_schedule=_CRON[spec.length],
        timezone=profile.time_zone,
        fmt="%Y-%m-%d",
    )


def training_windows(profile: Profile) -> dg.TimeWindowPartitionMapping:
    """The windows whose tensors a window's model may read: those that train it, and its own, on which it is measured."""
    reach = profile.windows.look_back + profile.windows.retrain_every - 1
    return dg.TimeWindowPartitionMapping(start_offset=-reach, end_offset=0)
