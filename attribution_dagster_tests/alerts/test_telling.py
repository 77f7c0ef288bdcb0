"""Real runs on a real instance, told to a real server: each failure once, whatever the server does."""

import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._utils.error import serializable_error_info_from_exc_info

from attribution_dagster.alerts import delivery, history
from attribution_dagster.alerts.delivery import Progress
from attribution_dagster.alerts.events import OVERLAP_S, Position, dump_cursor
from attribution_dagster.errors import DataError
from attribution_dagster_tests.alerts import toy
from attribution_dagster_tests.alerts.conftest import PATIENT, Failed, Ticker, real_instance
from attribution_dagster_tests.alerts.servers import Webhook, webhook
from attribution_dagster_tests.alerts.toy import WINDOW, run
from attribution_dagster_tests.deployment.servers import HANGING_S


def test_a_blocking_check_and_a_warning_are_told_once_each_and_the_run_they_stop_is_not(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance
) -> None:
    done = run(instance, "hard soft")
    assert not done.success
    assert ticker().told == {"json": 2}
    soft, hard = sorted(hook.texts, key=lambda text: "check hard" in text)
    assert [m["type"] for m in hook.taken] == ["warning", "failure"]
    for text in (hard, soft):
        assert "dataset: toy\n" in text and f"window: {WINDOW}\n" in text and "expected: n_ids = n_sessions" in text
        assert "observed: n_ids = 11; n_sessions = 12; offending_rows = 2\n" in text
        assert f"http://ui.example/runs/{done.run_id}" in text
        assert toy.USER not in text and "/data" not in text, "rows of the check, or where they lie, were sent"
    assert "check: sessions: hard (ERROR; it stopped its run" in hard and "check: sessions: soft (WARN" in soft
    for _ in range(3):
        assert ticker().told == {"json": 0}
    assert len(hook.taken) == 2


def test_failures_of_a_run_that_succeeds_are_told(ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance) -> None:
    assert run(instance, "soft error_that_blocks_nothing").success
    assert ticker().told == {"json": 2}
    assert sorted(re.findall(r"^(\w+): check (\w+)", "\n".join(hook.texts), re.M)) == [
        ("ERROR", "error_that_blocks_nothing"),
        ("WARN", "soft"),
    ]


def test_a_failed_step_is_told_on_one_line_without_its_secrets(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance
) -> None:
    done = run(instance, "step")
    assert ticker().told == {"json": 1}
    (text,) = hook.texts
    assert text.startswith(f"ERROR: run failed: toy {WINDOW}\n") and f"/runs/{done.run_id}" in text
    assert "error: ValueError: no connection to postgresql://***@db/shop second line, token=***\n" in text
    assert "failed at: sessions\n" in text and "hunter2" not in text and "abcdef123" not in text


@pytest.mark.parametrize(
    ("began_with", "found"),
    [
        (DataError("window 2025-01-06: no session converts"), (DataError, "window 2025-01-06: no session converts")),
        (KeyError("shop"), (None, "KeyError: 'shop'")),
    ],
)
def test_the_reason_is_our_own_error_of_the_chain_or_else_the_first(
    began_with: Exception, found: tuple[type[Exception] | None, str]
) -> None:
    try:
        raise RuntimeError("the step failed") from began_with
    except RuntimeError:
        assert history.reason(serializable_error_info_from_exc_info(sys.exc_info())) == found


def test_a_run_that_fails_of_a_check_and_of_a_step_is_two_failures(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance
) -> None:
    run(instance, "hard other")
    assert ticker().told == {"json": 2}
    assert any("the other step failed too" in text for text in hook.texts)


def test_the_first_tick_starts_from_now(failed: Failed, tmp_path: Path) -> None:
    with webhook() as hook:
        ticker = Ticker(instance=failed.instance, home=tmp_path, urls=[f"json://127.0.0.1:{hook.port}/"])
        assert ticker().told == {"json": 0} and ticker().told == {"json": 0} and hook.asked == 0


@pytest.mark.parametrize("trouble", ["down", "hang", "drip", 500, 302, 404])
def test_nothing_is_lost_while_the_server_is_down_slow_or_refuses(
    ticker: Ticker, hook: Webhook, failed: Failed, trouble: int | str
) -> None:
    ticker.instance, ticker.cursor = failed.instance, failed.cursor
    patient = ticker.urls, ticker.timeout_s
    ticker.urls, ticker.timeout_s = [f"json://127.0.0.1:{hook.port}/?rto=0.3"], 0.6
    if trouble == "down":
        hook.down()
    else:
        hook.answer = trouble
    for _ in range(2):
        outcome = ticker()
        assert outcome.told == {"json": 0} and "json did not take the message" in str(outcome)
        assert outcome.cursor == failed.cursor, "the cursor moved past what was not told"
    assert not hook.taken
    if trouble == "down":
        hook.up()
    else:
        hook.wait_until_asked(2)
    hook.answer = 200
    ticker.urls, ticker.timeout_s = patient
    assert ticker().told == {"json": 3} and ticker().told == {"json": 0}
    assert len(hook.taken) == 3 and all(run_id in "".join(hook.texts) for run_id in failed.runs.values())


def test_who_has_taken_a_message_does_not_get_it_again_because_another_is_down(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance
) -> None:
    with webhook() as other:
        ticker.urls.append(f"json://127.0.0.1:{other.port}/?{PATIENT}")
        ticker()
        other.answer = 500
        run(instance, "soft")
        assert ticker().told == {"json": 1, "json-2": 0}
        run(instance, "step")
        assert ticker().told == {"json": 1, "json-2": 0}
        other.answer = 200
        assert ticker().told == {"json": 0, "json-2": 2}
        assert ticker().told == {"json": 0, "json-2": 0}
        assert len(hook.taken) == len(other.taken) == 2


def test_a_url_that_takes_the_place_of_another_is_told_what_waited_there(
    ticker: Ticker, hook: Webhook, failed: Failed
) -> None:
    ticker.instance, ticker.cursor = failed.instance, failed.cursor
    hook.answer = 500
    ticker()
    with webhook() as other:
        ticker.urls = [f"jsons://127.0.0.1:{other.port}/"]
        assert "jsons did not take" in str(ticker())
        ticker.urls = [
            "mailto://somebody:pw@127.0.0.1:9?smtp=127.0.0.1&from=b@example.org&to=a@example.org",
            f"json://127.0.0.1:{other.port}/?{PATIENT}",
        ]
        assert ticker().told == {"mailto": 0, "json": 3} and len(other.taken) == 3


def test_what_a_tick_told_whose_cursor_was_lost_is_not_repeated(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance
) -> None:
    run(instance, "soft")
    assert ticker(dies=True).told == {"json": 1}
    run(instance, "step")
    assert ticker().told == {"json": 1} and ticker().told == {"json": 0}
    assert len(hook.taken) == 2 and "check soft" in hook.texts[0] and "run failed" in hook.texts[1]


DIES = """
import sys
from pathlib import Path
import dagster as dg
from attribution_dagster_tests.alerts.conftest import Ticker
folder, home, url, cursor = sys.argv[1:]
with dg.DagsterInstance.local_temp(folder) as instance:
    Ticker(instance=instance, home=Path(home), urls=[url], cursor=cursor, timeout_s=60.0)()
"""


def test_a_process_killed_between_two_messages_repeats_none(failed: Failed, tmp_path: Path) -> None:
    with webhook() as hook:
        url = f"json://127.0.0.1:{hook.port}/?{PATIENT}"
        hook.hang_after = 1
        folder = failed.instance.root_directory
        command = [sys.executable, "-W", "ignore", "-c", DIES, folder, str(tmp_path), url, failed.cursor]
        with subprocess.Popen(command) as process:
            hook.wait_until_asked(2)
            process.kill()
        assert len(hook.taken) == 1 and hook.asked == 2
        hook.hang_after = None
        ticker = Ticker(instance=failed.instance, home=tmp_path, urls=[url], cursor=failed.cursor)
        assert ticker().told == {"json": 2} and ticker().told == {"json": 0}
        assert len({m["title"] + m["message"] for m in hook.taken}) == len(hook.taken) == 3


def test_what_there_is_no_time_for_is_told_by_the_next_tick(
    ticker: Ticker, hook: Webhook, failed: Failed, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticker.instance, ticker.cursor = failed.instance, failed.cursor
    monkeypatch.setattr(delivery, "TICK_BUDGET_S", -1.0)
    assert "json gets the rest in the next tick" in str(ticker()) and not hook.taken
    monkeypatch.undo()
    assert ticker().told == {"json": 3}


def test_nothing_is_sent_when_it_could_not_be_remembered(
    ticker: Ticker, hook: Webhook, failed: Failed, tmp_path: Path
) -> None:
    ticker.instance, ticker.cursor = failed.instance, failed.cursor
    folder = Progress(tmp_path).path.parent
    shutil.rmtree(folder)
    folder.touch()
    with pytest.raises(OSError):
        ticker()
    assert not hook.taken


def test_more_runs_than_a_page_are_all_told(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", 1)
    windows = ["2025-02-01", "2025-02-02"]
    for window in windows:
        run(instance, "soft", window)
    assert ticker().told == {"json": 2} and ticker().told == {"json": 0}
    assert sorted(re.findall(r"window: (\S+)", "\n".join(hook.texts))) == windows


def test_a_slow_run_is_told_after_faster_ones_that_began_later(
    ticker: Ticker, hook: Webhook, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of a check are numbered when runs begin; who remembers the highest number would miss the slow one."""
    toy.STARTED.clear()
    toy.RELEASED.clear()
    slow = threading.Thread(target=run, args=(instance, "wait soft", "2025-03-01"))
    slow.start()
    try:
        assert toy.STARTED.wait(HANGING_S)
        monkeypatch.setattr(delivery, "OVERLAP_S", 0.0)  # as if the slow run had begun long before the other one
        run(instance, "soft", "2025-03-02")
        assert ticker().told == {"json": 1}
        with monkeypatch.context() as patch:
            patch.setattr(history, "SILENT_S", 0.0)
            assert ticker().told == {"json": 1} and "no sign of life since" in hook.texts[-1]
            assert ticker().told == {"json": 0}
    finally:
        toy.RELEASED.set()
        slow.join()
    assert ticker().told == {"json": 1} and "window: 2025-03-01" in hook.texts[-1] and "check soft" in hook.texts[-1]
    assert ticker().told == {"json": 0}


def test_a_run_that_waits_has_no_process_that_could_have_been_killed() -> None:
    now, job = time.time(), toy.DEFINITIONS.resolve_implicit_global_asset_job_def()

    def told(instance: dg.DagsterInstance) -> int:
        return sum(len(log.failures) for log in history.read_runs(instance, now - 1, now + history.SILENT_S + 60))

    with real_instance() as instance:
        waiting = instance.create_run_for_job(job)
        instance.report_engine_event("waits in the queue", waiting)
        assert told(instance) == 0
        instance.report_dagster_event(dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job.name), waiting.run_id)
        assert told(instance) == 1


def test_a_tag_on_a_run_of_long_ago_does_not_make_it_news(ticker: Ticker, failed: Failed) -> None:
    """Dagster marks a run as changed when somebody tags it; a retry does that too."""
    ticker.instance, later = failed.instance, time.time() + OVERLAP_S + 1
    ticker.cursor = dump_cursor({"json": Position(since=later)})
    time.sleep(1.1)
    failed.instance.add_run_tags(failed.runs["step"], {"looked_at_by": "somebody"})
    changed = history.read_runs(failed.instance, later - OVERLAP_S, time.time())
    assert [r.run_id for r in changed] == [failed.runs["step"]] and changed[0].failures
    assert ticker().told == {"json": 0}


def test_a_heartbeat_says_that_everything_was_told(ticker: Ticker, hook: Webhook, failed: Failed) -> None:
    ticker.instance, ticker.cursor = failed.instance, failed.cursor
    with webhook() as watchdog:
        ticker.heartbeat_url = f"http://127.0.0.1:{watchdog.port}/ping/uuid-1234"
        hook.answer = 500
        ticker()
        assert watchdog.asked == 0, "alive, though nobody could be told"
        hook.answer = 200
        ticker()
        assert watchdog.asked == 1
        watchdog.answer = 503
        assert "heartbeat was answered 503" in str(ticker())
        watchdog.down()
        outcome = ticker()
        assert "heartbeat was not taken" in str(outcome) and "uuid-1234" not in str(outcome)
