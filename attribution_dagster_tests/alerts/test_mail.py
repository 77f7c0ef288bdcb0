"""A real SMTP server with a login: it is down, knows another password, refuses, is slow, takes."""

from pathlib import Path

import dagster as dg
import pytest

from attribution_dagster_tests.alerts.conftest import Ticker
from attribution_dagster_tests.alerts.servers import Mailbox, mail_server
from attribution_dagster_tests.alerts.toy import run
from attribution_dagster_tests.deployment.servers import free_port

PASSWORD = "correct%20horse"


def url(port: int, patience_s: int) -> str:
    return (
        f"mailto://robot:{PASSWORD}@127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure&cto={patience_s}"
        "&from=robot@example.org&to=anna@example.org,ben@example.org"
    )


def test_a_mail_names_everything_and_waits_while_the_server_does_not_take_it(
    instance: dg.DagsterInstance, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    port, mailbox = free_port(), Mailbox("robot", "correct horse")
    ticker = Ticker(instance=instance, home=tmp_path, urls=[url(port, patience_s=1)])
    ticker()
    done = run(instance, "soft")
    said = [str(ticker())]
    with mail_server(Mailbox("robot", "another password"), port):
        said.append(str(ticker()))
    with mail_server(mailbox, port):
        mailbox.refusal = "554 not today"
        said.append(str(ticker()))
        mailbox.refusal, mailbox.delay_s = "", 1.5
        said.append(str(ticker()))
    ticker.urls = [url(port, patience_s=60)]
    assert all("mailto did not take the message" in each for each in said)
    assert "horse" not in "".join(said) + caplog.text
    taken = Mailbox("robot", "correct horse")
    with mail_server(taken, port):
        assert ticker().told == {"mailto": 1} and ticker().told == {"mailto": 0}
    assert {m["To"] for m in taken.mails} == {"anna@example.org", "ben@example.org"} and len(taken.mails) == 2
    mail = taken.mails[0]
    text = mail.get_body(("plain", "html")).get_content()
    assert mail["Subject"] == "WARN: check soft failed: toy 2025-01-06"
    assert "window: 2025-01-06" in text and "observed: n_ids = 11" in text and done.run_id in text
