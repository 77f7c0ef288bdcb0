"""Targets as settings name them: found, refused, silent about their passwords; and the sensor and the command made of them."""

import logging
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster.alerts.delivery import LastTick, Progress
from attribution_dagster.alerts.events import Position, dump_cursor
from attribution_dagster.build import build_definitions
from attribution_dagster.cli.alerts import LATE_S, send_test, standing
from attribution_dagster.errors import ConfigurationError, DeliveryError
from attribution_dagster.resources.notifier import Message, Severity, open_targets
from attribution_dagster.settings import Settings
from attribution_dagster_tests.alerts.conftest import PATIENT
from attribution_dagster_tests.alerts.servers import Webhook
from attribution_dagster_tests.alerts.toy import run
from attribution_dagster_tests.deployment.servers import HANGING_S, free_port
from attribution_dagster_tests.pipeline.small import own_dagster_home

MESSAGE = Message(title="t", body="b", severity=Severity.INFO)
EXAMPLES = [
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts",
    "workflows://example.environment.api.powerplatform.com:443/workflowid0123456789/signature0123456789/",
    "mailtos://robot:pass%21word@example.org:587?smtp=mail.example.org&from=robot@example.org&to=a@example.org,b@example.org",
    "pagerduty://integrationkey0123456789012345678@apikey0123456789",
    "jsons://hooks.example.org/attribution?+Authorization=Bearer%20tokentoken",
]


def settings(root: Path, **more: str) -> Settings:
    return Settings.from_environment({"ATTRIBUTION_HOME": str(root / "home"), **more})


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n", " ,\n\t"])
def test_urls_are_separated_by_commas_or_white_space_and_may_hold_commas(separator: str, tmp_path: Path) -> None:
    found = settings(tmp_path, ATTRIBUTION_ALERT_URLS=f"{separator}{separator.join(EXAMPLES)}{separator}")
    assert list(found.alert_urls) == EXAMPLES
    assert settings(tmp_path, ATTRIBUTION_ALERT_URLS=" , ").alert_urls == ()


def test_the_documented_kinds_are_understood_and_named_by_their_scheme() -> None:
    names = [t.name for t in open_targets([*EXAMPLES, EXAMPLES[0]])]
    assert names == ["slack", "workflows", "mailtos", "pagerduty", "jsons", "slack-2"]


@pytest.mark.parametrize("bad", ["slack://swordfish99", "swordfish99", "http//swordfish99", "swordfish99://host/path"])
def test_a_bad_url_is_refused_at_start_without_showing_it(
    bad: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigurationError, match="ATTRIBUTION_ALERT_URLS: URL number 2") as refused:
        build_definitions(settings(tmp_path, ATTRIBUTION_ALERT_URLS=f"json://127.0.0.1/ {bad}"))
    shown = str(refused.value) + caplog.text + "".join(capsys.readouterr())
    assert "swordfish99" not in shown


@pytest.mark.parametrize("url", ["ftp://h/x", "h/x", "http://", "http://[swordfish99"])
def test_an_address_of_the_web_is_refused_by_name(url: str, tmp_path: Path) -> None:
    for name in ("ATTRIBUTION_HEARTBEAT_URL", "ATTRIBUTION_UI_URL"):
        with pytest.raises(ConfigurationError, match=f"^{name} is not an address") as refused:
            settings(tmp_path, **{name: url})
        assert "swordfish99" not in str(refused.value)


def test_nothing_secret_is_in_what_settings_print(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        ATTRIBUTION_ALERT_URLS="json://u:swordfish99@h/",
        ATTRIBUTION_HEARTBEAT_URL="https://h/swordfish99",
        SNOWFLAKE_PASSWORD="swordfish99",
        DB_TOKEN="short",
    )
    assert "swordfish99" not in repr(found)
    assert "swordfish99" in found.secrets and "short" not in found.secrets and len(found.secrets) == 3


def test_a_failed_delivery_says_why_and_nothing_of_the_url(hook: Webhook, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hook.answer = 500
    secret = "swordfish99"
    url = f"json://{secret}:{secret}@127.0.0.1:{{}}/{secret}?+X-Token={secret}&-key={secret}"
    refusing, closed = open_targets([url.format(hook.port), url.format(free_port())])
    with pytest.raises(DeliveryError, match=r"json did not take the message: .*error=500"):
        refusing.deliver(MESSAGE)
    with pytest.raises(DeliveryError, match="json-2 did not take the message: A Connection error") as unreachable:
        closed.deliver(MESSAGE)
    assert secret not in caplog.text + str(unreachable.value)


def test_an_answer_that_comes_late_is_an_answer(hook: Webhook) -> None:
    hook.answer = "drip"
    (target,) = open_targets([f"json://127.0.0.1:{hook.port}/?{PATIENT}"], timeout_s=0.3)
    others = [replace(MESSAGE, title=f"t{n}") for n in range(10)]
    for message in [MESSAGE, *others]:
        with pytest.raises(DeliveryError, match=r"no answer within 0\.3 s"):
            target.deliver(message)
        hook.wait_until_asked(1)
    assert hook.asked == 1, "a server that is busy with a message was given more"
    hook.answer = 200
    hook.release()
    assert target._late is not None
    target._late.join(HANGING_S)
    target._timeout_s = HANGING_S  # from now on it answers
    target.deliver(MESSAGE)
    assert hook.asked == 1, "what was taken late was sent again"
    target.deliver(others[0])
    assert [m["title"] for m in hook.taken] == ["t0"]


def test_a_failure_that_a_url_calls_optional_is_a_failure(hook: Webhook) -> None:
    hook.answer = 500
    with pytest.raises(DeliveryError):
        open_targets([f"json://127.0.0.1:{hook.port}/?optional=yes"])[0].deliver(MESSAGE)


def test_a_message_too_long_for_a_service_is_cut_rather_than_refused_for_ever(hook: Webhook) -> None:
    (target,) = open_targets([f"json://127.0.0.1:{hook.port}/"])
    target.deliver(Message(title="t", body="x" * 100_000, severity=Severity.INFO))
    assert len(hook.taken) == 1 and 1000 < len(hook.taken[0]["message"]) < 100_000


def test_the_sensor_is_loaded_running_where_somebody_is_to_be_told(
    hook: Webhook, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    assert "alerts" not in {sensor.name for sensor in build_definitions(settings(tmp_path)).sensors or []}
    url = f"json://127.0.0.1:{hook.port}/"
    definitions = build_definitions(settings(tmp_path, ATTRIBUTION_ALERT_URLS=url))
    sensor = definitions.resolve_sensor_def("alerts")
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING

    def evaluate(cursor: str | None) -> tuple[str, str]:
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            data = sensor.evaluate_tick(context)
        assert not data.run_requests and data.skip_message
        return data.cursor, data.skip_message

    cursor, _ = evaluate(None)
    done = run(instance, "soft")
    cursor, said = evaluate(cursor)
    assert said == "told: 1 to json" and f"http://127.0.0.1:3000/runs/{done.run_id}" in hook.texts[0]
    assert evaluate(cursor)[1] == "told: nothing new" and len(hook.taken) == 1


def test_the_command_says_how_far_each_target_is_and_whether_one_is_late(hook: Webhook, tmp_path: Path) -> None:
    ours = settings(tmp_path, ATTRIBUTION_ALERT_URLS=f"json://127.0.0.1:{hook.port}/")
    with own_dagster_home(tmp_path):
        shown, is_well = standing(ours)
        assert not is_well and "has not run yet" in str(shown.renderables[0])
        for behind_s, expected in ((LATE_S - 60, True), (LATE_S + 60, False)):
            since = time.time() - behind_s
            cursor = dump_cursor({"json": Position(since=since)})
            Progress(ours.home).save(LastTick(at=time.time(), began_with=None, cursor=cursor))
            assert standing(ours)[1] == expected
        (home := tmp_path / "dagster").mkdir(exist_ok=True)
        with dg.DagsterInstance.from_ref(dg.DagsterInstance.get().get_ref()) as instance:
            run(instance, "soft step")
        table = standing(ours)[0].renderables[1]
        assert list(table.columns[2].cells) == ["1"] and home.exists()
        assert not standing(settings(tmp_path, ATTRIBUTION_ALERT_URLS="json://127.0.0.1/ xml://127.0.0.1/"))[1]


def test_a_test_message_reaches_every_target_or_says_which_it_did_not(hook: Webhook, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "ATTRIBUTION_HOME": str(tmp_path / "home"),
        "ATTRIBUTION_ALERT_URLS": f"json://127.0.0.1:{hook.port}/ json://u:swordfish99@127.0.0.1:{free_port()}/",
    }
    command = [sys.executable, "-m", "attribution_dagster.cli.main", "alerts", "--test"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGING_S, check=False)
    assert done.returncode == 1 and "json took the test message" in done.stdout and len(hook.taken) == 1
    assert "json-2 did not take" in done.stdout and "swordfish99" not in done.stdout + done.stderr
    nobody = settings(tmp_path)
    with pytest.raises(ConfigurationError, match="set ATTRIBUTION_ALERT_URLS"):
        send_test(nobody)


def test_definitions_without_targets_leave_apprise_alone() -> None:
    code = "import sys, attribution_dagster.definitions; print('apprise' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
