"""What people read, without Dagster: complete, on one line each, without secrets, and not 400 of them."""

import pytest

from attribution_dagster.alerts.events import FailedCheck, FailedRun
from attribution_dagster.alerts.messages import DIGEST_BEYOND, Writer
from attribution_dagster.resources.masking import masked
from attribution_dagster.resources.notifier import Severity

WRITER = Writer("https://dagster.example", ["swordfish99"])
HOSTILE = "a\nwindow: all fine\r\x1b[31m‮<!channel> @everyone [click](https://evil.example) swordfish99"


def check(number: int = 1, **more: object) -> FailedCheck:
    values: dict[str, object] = {
        "run_id": f"run{number}", "event": 4, "at": float(number), "dataset": "shop", "asset": "no_funnel/model",
        "window": f"2025-01-{number:02d}", "check": "weights", "is_error": True, "blocking": True,
        "observed": {"n": "3"}, "expected": "n = 0", "said": "expected n = 0, found n = 3",
    }  # fmt: skip
    return FailedCheck(**{**values, **more})  # type: ignore[arg-type]


def failed_run(**more: str) -> FailedRun:
    values = {"dataset": "shop", "asset": "sessions", "window": "2025-01-06", "error": "SourceError: no file"}
    return FailedRun(run_id="run9", event=8, at=9.0, **{**values, **more})


def test_few_failures_are_a_message_each_and_more_are_one() -> None:
    few = [check(n) for n in range(1, DIGEST_BEYOND + 1)]
    assert [told for _, told in WRITER.messages(few)] == [[f] for f in few]
    assert len(list(WRITER.messages([*few, check(9)]))) == 1 and not list(WRITER.messages([]))


def test_every_part_of_a_hostile_message_is_one_harmless_line() -> None:
    faulty = check(
        dataset=HOSTILE, asset=HOSTILE, window=HOSTILE, check=HOSTILE, observed={HOSTILE: HOSTILE}, expected=HOSTILE,
        said=HOSTILE,
    )  # fmt: skip
    run = failed_run(error=HOSTILE, asset=HOSTILE)
    digest = [faulty, run] * DIGEST_BEYOND
    for message, _ in [*WRITER.messages([faulty, run]), *WRITER.messages(digest)]:
        text = f"{message.title}\n{message.body}"
        assert not any(bad in text for bad in ("<!channel", "@everyone", "](", "\x1b", "‮", "\r", "swordfish99"))
        names = [line.split(":")[0] for line in message.body.splitlines()]
        assert "\n" not in message.title and names.count("window") <= 1


def test_four_hundred_failures_are_one_message_that_counts_them_all() -> None:
    failures = [check(n, window=f"day {n:03d}") for n in range(399)] + [failed_run()]
    ((message, told),) = WRITER.messages(failures)
    assert list(told) == failures and message.title == "400 failed checks and runs" and len(message.body) < 2000
    assert "- 399 x ERROR: check weights failed, shop/no_funnel/model, windows day 000, day 001" in message.body
    assert (
        "and 359 more" in message.body and "- 1 x ERROR: run failed, shop/sessions, window 2025-01-06" in message.body
    )


def test_a_digest_counts_the_kinds_that_it_does_not_name() -> None:
    ((message, _),) = WRITER.messages([check(1, check=f"c{n:03d}") for n in range(100)])
    assert "- 40 more, of 40 other kinds" in message.body


def test_a_message_says_how_bad_it_is() -> None:
    warning = check(is_error=False, blocking=False)
    assert [m.severity for m, _ in WRITER.messages([warning, check(), failed_run()])] == [
        Severity.WARNING, Severity.FAILURE, Severity.FAILURE,
    ]  # fmt: skip
    ((digest, _),) = WRITER.messages([warning] * 9)
    assert digest.severity == Severity.WARNING


def test_many_measured_values_are_cut_and_counted() -> None:
    ((message, _),) = WRITER.messages([check(observed={f"v{n:02d}": "1" for n in range(15)})])
    assert "v11 = 1; 3 more in the run" in message.body and "v12" not in message.body


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@ss@db/x", "postgresql://***@db/x"),
        ("password=abc, rows=3", "password=***, rows=3"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("AWS_SECRET_ACCESS_KEY = abc", "AWS_SECRET_ACCESS_KEY = ***"),
        ("said swordfish99-swordfish99", "said ***-***"),
        ("3 sessions, a rate of 0.5", "3 sessions, a rate of 0.5"),
    ],
)
def test_secrets_are_masked_and_the_rest_is_not(text: str, shown: str) -> None:
    assert masked(text, ["swordfish99", "swordfish"]) == shown
