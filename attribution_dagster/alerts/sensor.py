"""The sensor that Dagster's daemon runs. It starts no run; its ticks tell people what failed."""

import dagster as dg

from attribution_dagster.alerts.delivery import Progress, tick
from attribution_dagster.alerts.messages import Writer
from attribution_dagster.resources.notifier import open_targets
from attribution_dagster.settings import Settings

INTERVAL_S = 30


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensor `alerts`, running from the start; none where `ATTRIBUTION_ALERT_URLS` names nobody to tell.

    Raises:
        ConfigurationError: a URL is none that can be told anything.
    """
    if not settings.alert_urls:
        return []
    targets = open_targets(settings.alert_urls)
    writer = Writer(settings.ui_url, settings.secrets)

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Tells {', '.join(t.name for t in targets)} of every failed check, ERROR or WARN, and of every failed run, each once.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        outcome = tick(
            context.instance,
            context.cursor,
            targets=targets,
            writer=writer,
            progress=Progress(settings.home),
            heartbeat_url=settings.heartbeat_url,
        )
        return dg.SensorResult(skip_reason=str(outcome), cursor=outcome.cursor)

    return [alerts]
