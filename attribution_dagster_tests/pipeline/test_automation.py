"""What runs by itself: which window at which moment, across changes of the clock, and what follows it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from attribution_dagster.automation import cron, latest_closed
from attribution_dagster.build import build_definitions
from attribution_dagster.datasets.profile import Profile
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings
from attribution_dagster_tests.pipeline.small import VARIANTS

BASE = {
    "name": "shop", "title": "Shop", "staging": "shop", "time_zone": "Europe/Berlin",
    "roles": {"conversion": ["order"]}, "variants": {"no_funnel": {"funnel": "drop"}},
}  # fmt: skip


def profile(length: str, start: str, delay_hours: int | None = None, **windows: object) -> Profile:
    schedule = {} if delay_hours is None else {"schedule": {"delay_hours": delay_hours}}
    return Profile.model_validate(
        {**BASE, **schedule, "windows": {"length": length, "start": start, "look_back": 1, **windows}}
    )


def definitions(folder, text: str) -> dg.Definitions:
    (folder / "shop.yaml").write_text("extends: marketplace\nname: shop\n" + text)
    environment = {"ATTRIBUTION_DATASETS": "shop", "ATTRIBUTION_DATASET_FOLDERS": str(folder)}
    return build_definitions(Settings.from_environment({**environment, "ATTRIBUTION_HOME": str(folder / "home")}))


@pytest.mark.parametrize(
    ("length", "start", "delay", "expected"),
    [
        ("day", "2025-01-06", None, "0 3 * * *"),
        ("day", "2025-01-06", 23, "0 23 * * *"),
        ("week", "2025-01-06", 0, "0 0 * * 1"),
        ("week", "2025-01-06", 5, "0 5 * * 1"),
        ("week", "2025-01-06", 24 * 6 + 1, "0 1 * * 0"),
        ("month", "2025-01-01", 50, "0 2 3 * *"),
    ],
)
def test_a_window_is_made_so_many_hours_after_it_closed(
    length: str, start: str, delay: int | None, expected: str
) -> None:
    assert cron(profile(length, start, delay)) == expected


@pytest.mark.parametrize(
    ("day", "window"),
    [
        ("2025-03-30", "2025-03-29"),
        ("2025-03-31", "2025-03-30"),
        ("2025-10-26", "2025-10-25"),
        ("2025-10-27", "2025-10-26"),
    ],
)
@pytest.mark.parametrize("delay", [0, 1, 2, 3])
def test_each_day_is_made_once_across_a_change_of_the_clock(day: str, window: str, delay: int) -> None:
    """In Berlin 2 o'clock does not exist on 30 March 2025 and comes twice on 26 October."""
    shop = profile("day", "2025-01-06", delay)
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    ticks = schedule_execution_time_iterator(midnight.timestamp() - 1, cron(shop), "Europe/Berlin", ascending=True)
    that_day = [tick for tick in (next(ticks) for _ in range(3)) if tick.astimezone(zone).date() == midnight.date()]
    assert len(that_day) == 1
    assert latest_closed(shop, that_day[0].astimezone(UTC).replace(tzinfo=None)) == window


def test_the_latest_closed_window_is_over_to_the_microsecond() -> None:
    shop = profile("week", "2025-01-06")
    closes = datetime(2025, 1, 12, 23)  # UTC; midnight in Berlin
    assert latest_closed(shop, closes) == "2025-01-06"
    assert latest_closed(shop, closes.replace(hour=22, minute=59)) is None


def test_schedule_and_sensor_are_off_unless_the_profile_asks(tmp_path) -> None:
    for text, status in (("", "STOPPED"), ("schedule: {delay_hours: 5}\n", "RUNNING")):
        loaded = definitions(tmp_path, text)
        schedule = loaded.resolve_schedule_def("shop_windows")
        sensors = [loaded.resolve_sensor_def(name) for name in ("shop_explain_prepared", "shop_publish_explained")]
        assert {each.default_status.value for each in (schedule, *sensors)} == {status}
        assert schedule.execution_timezone == "UTC"
    assert schedule.cron_schedule == "0 5 * * 1"


def test_a_tick_asks_for_the_closed_windows_that_nobody_asked_for(tmp_path) -> None:
    """Also for those whose ticks a stopped daemon missed; the windows end in February, and are not made again after."""
    loaded = definitions(tmp_path, "")
    schedule, repository = loaded.resolve_schedule_def("shop_windows"), loaded.get_repository_def()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def asked(at: str) -> list[str | None]:
            moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
            context = dg.build_schedule_context(
                instance=instance, repository_def=repository, scheduled_execution_time=moment
            )
            return [request.partition_key for request in schedule.evaluate_tick(context).run_requests or []]

        assert asked("2025-01-06 03:00") == []
        assert asked("2025-01-13 03:00") == ["2025-01-06"]
        finished(instance, "shop_prepare", "2025-01-06")
        assert asked("2025-01-13 03:00") == []
        assert asked("2025-02-03 03:00") == ["2025-01-13", "2025-01-20", "2025-01-27"]
        for key in ("2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03"):
            finished(instance, "shop_prepare", key, fails=key == "2025-01-20")
        assert asked("2025-06-02 03:00") == [], "what failed is for a person to mend"


def finished(
    instance: dg.DagsterInstance, job_name: str, key: str, *, fails: bool = False
) -> dg.ExecuteInProcessResult:
    """A run of a job of that name and window, which makes nothing but the window's tensors, or fails after that."""

    @dg.op
    def nothing(context: dg.OpExecutionContext) -> None:
        for variant in VARIANTS if job_name == "shop_prepare" else ():
            tensors = ["shop", variant, "sequence_tensors"]
            context.log_event(dg.AssetMaterialization(tensors, partition=key))
        if fails:
            raise ValueError("it failed")

    @dg.job(name=job_name)
    def toy() -> None:
        nothing()

    return toy.execute_in_process(instance=instance, tags={"dagster/partition": key}, raise_on_error=False)


def answer(sensor, result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance):
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name,
        dagster_event=result.get_run_success_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )
    return sensor(context)


def test_a_window_is_explained_when_all_that_it_reads_is_prepared_in_whatever_order(tmp_path) -> None:
    """As after downtime, when a tick asks for many windows at once."""
    sensor = definitions(tmp_path, "").resolve_sensor_def("shop_explain_prepared")
    with dg.DagsterInstance.ephemeral() as instance:
        order = ["2025-02-03", "2025-01-06", "2025-01-27", "2025-01-13"]
        early = [answer(sensor, finished(instance, "shop_prepare", key), instance) for key in order]
        finished(instance, "shop_prepare", "2025-01-20", fails=True)
        failed = answer(sensor, finished(instance, "shop_prepare", "2025-01-13"), instance)
        last = finished(instance, "shop_prepare", "2025-01-20")
        complete, again = answer(sensor, last, instance), answer(sensor, last, instance)
        noticed_late = answer(sensor, finished(instance, "shop_prepare", "2025-02-03"), instance)
    assert all(isinstance(said, dg.SkipReason) for said in (*early, failed))
    assert asked_for(complete) == [("shop_explain_no_funnel", "2025-02-03"), ("shop_explain_with_funnel", "2025-02-03")]
    assert keys_of(complete) == keys_of(again), "asked twice, it is explained once"
    assert len(set(keys_of(complete))) == 2 and not set(keys_of(complete)) & set(keys_of(noticed_late))


def test_a_window_reads_what_its_model_learnt_from_and_not_what_lies_between(tmp_path) -> None:
    """A model of 20 January, trained on the two weeks before, explains the week after its own as well."""
    text = "windows: {look_back: 2, retrain_every: 2}\nvariants: {no_funnel: {funnel: drop}}\n"
    sensor = definitions(tmp_path, text).resolve_sensor_def("shop_explain_prepared")
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ("2025-01-06", "2025-01-27"):
            answer(sensor, finished(instance, "shop_prepare", key), instance)
        trained = answer(sensor, finished(instance, "shop_prepare", "2025-01-13"), instance)
        own = answer(sensor, finished(instance, "shop_prepare", "2025-01-20"), instance)
    assert asked_for(trained) == [("shop_explain_no_funnel", "2025-01-27")]
    assert asked_for(own) == [("shop_explain_no_funnel", "2025-01-20")]


def test_a_later_window_is_asked_for_again_only_if_it_failed(tmp_path) -> None:
    sensor = definitions(tmp_path, "").resolve_sensor_def("shop_explain_prepared")
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ("2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27", "2025-02-03"):
            finished(instance, "shop_prepare", key)
        finished(instance, "shop_explain_no_funnel", "2025-02-03", fails=True)
        finished(instance, "shop_explain_with_funnel", "2025-02-03")
        mended = answer(sensor, finished(instance, "shop_prepare", "2025-01-20"), instance)
    assert asked_for(mended) == [("shop_explain_no_funnel", "2025-02-03")]


def asked_for(said) -> list[tuple[str, str]]:
    return [(request.job_name, request.partition_key) for request in said.run_requests]


def keys_of(said) -> list[str]:
    return [request.run_key for request in said.run_requests]


def test_a_window_is_published_when_every_variants_latest_run_has_succeeded(tmp_path) -> None:
    sensor = definitions(tmp_path, "").resolve_sensor_def("shop_publish_explained")
    with dg.DagsterInstance.ephemeral() as instance:
        first = finished(instance, "shop_explain_no_funnel", "2025-02-03")
        finished(instance, "shop_explain_with_funnel", "2025-01-27")
        assert isinstance(answer(sensor, first, instance), dg.SkipReason), (
            "the other variant has explained another window"
        )
        finished(instance, "shop_explain_with_funnel", "2025-02-03", fails=True)
        assert isinstance(answer(sensor, first, instance), dg.SkipReason), "the other variant has failed"
        second = finished(instance, "shop_explain_with_funnel", "2025-02-03")
        said, again = answer(sensor, second, instance), answer(sensor, first, instance)
    assert said.partition_key == "2025-02-03"
    assert said.run_key == again.run_key, "asked twice, it is published once"


def test_jobs_hold_every_asset_once_and_their_checks(tmp_path) -> None:
    loaded = definitions(tmp_path, "")
    names = ("shop_prepare", "shop_explain_no_funnel", "shop_explain_with_funnel", "shop_publish")
    layers = {name: loaded.resolve_job_def(name).asset_layer for name in names}
    held = [key for layer in layers.values() for key in layer.executable_asset_keys]
    assert len(held) == len(set(held)) and set(held) == set(loaded.resolve_all_asset_keys())
    checks = [key for layer in layers.values() for key in layer.asset_graph.asset_check_keys]
    assert {key.asset_key for key in checks} <= set(held) and len(checks) == len(set(checks)) > 50
    assert all(len(layer.asset_graph.asset_check_keys) > 2 for layer in layers.values())


def test_windows_that_leave_none_to_explain_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"look_back 5 leaves no window to explain between"):
        definitions(tmp_path, "windows: {look_back: 5}\n")


def test_a_window_that_was_not_made_in_time_is_noticed(tmp_path) -> None:
    """Windows ended in February 2025 and nothing is published; without a schedule nobody expects anything."""
    loaded = definitions(tmp_path, "schedule: {delay_hours: 5}\n")
    key = dg.AssetCheckKey(dg.AssetKey(["shop", "published"]), "latest_window_present")
    with dg.DagsterInstance.ephemeral() as instance:
        result = loaded.resolve_job_def("shop_watch").execute_in_process(instance=instance)
        (said,) = result.get_asset_check_evaluations()
    assert said.asset_check_key == key and not said.passed and said.severity is dg.AssetCheckSeverity.WARN
    assert "2025-02-03" in (said.description or "")
    specs = {spec.key.path[-1]: spec for spec in loaded.resolve_all_asset_specs()}
    assert specs["published"].freshness_policy is not None
    assert loaded.resolve_schedule_def("shop_watch").default_status is dg.DefaultScheduleStatus.RUNNING


def test_without_a_schedule_the_check_is_there_and_misses_nothing(tmp_path) -> None:
    loaded = definitions(tmp_path, "")
    assert loaded.resolve_schedule_def("shop_watch").default_status is dg.DefaultScheduleStatus.STOPPED
    with dg.DagsterInstance.ephemeral() as instance:
        result = loaded.resolve_job_def("shop_watch").execute_in_process(instance=instance)
    (said,) = result.get_asset_check_evaluations()
    assert said.passed and said.description == "none is due yet"
