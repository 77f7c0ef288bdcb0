"""Whom messages go to: Slack, Teams, e-mail, PagerDuty, a webhook, whatever apprise can write as one URL.

A URL holds passwords and tokens. So a target is called by its scheme and number, and what apprise logs is kept to warnings without any part of a URL.
"""

import logging
import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from attribution_dagster.errors import ConfigurationError, DeliveryError
from attribution_dagster.reports.labels import one_line, shorten
from attribution_dagster.resources.masking import masked

MESSAGE_TIMEOUT_S = 15.0
"""A target must have taken a message by then. Within it apprise's own: 4 s to connect and 4 s to answer over HTTP (`?cto=`, `?rto=`), 15 s for mail."""
_SHORTEST_PART = 4


class Severity(StrEnum):
    """How a message is marked, in apprise's words."""

    FAILURE = "failure"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a person reads. Plain text."""

    title: str
    body: str
    severity: Severity


class Target:
    """One URL. Build it with `open_targets`."""

    def __init__(self, name: str, apprise: Any, timeout_s: float) -> None:
        self.name = name
        self._apprise = apprise
        self._timeout_s = timeout_s
        self._late: _Attempt | None = None

    def deliver(self, message: Message) -> None:
        """Returns when the target has taken the message.

        An attempt that has not ended in time goes on, alone; when it turns out to have been taken after all, the same message is not sent again.

        Raises:
            DeliveryError: it has not: no connection, another answer than success, or none in time.
        """
        attempt, self._late = self._late, None
        if attempt is None or (attempt.message != message and not attempt.is_alive()):
            attempt = _Attempt(self._apprise, message)
            attempt.start()
            attempt.join(self._timeout_s)
        if attempt.is_alive():
            self._late = attempt
            raise DeliveryError(f"{self.name} did not take the message: no answer within {self._timeout_s:g} s")
        if attempt.problem is not None:
            raise DeliveryError(f"{self.name} did not take the message: {shorten(attempt.problem, 200)}")


class _Attempt(threading.Thread):
    """Sends a message; `problem` says afterwards what came of it, None if it was taken.

    A thread of its own: a server that answers a byte a second never runs into a time limit, and would keep one of apprise's few threads for good.
    """

    def __init__(self, apprise: Any, message: Message) -> None:
        super().__init__(daemon=True)
        self.message = message
        self.problem: str | None = "it ended without a result"
        self._apprise = apprise

    def run(self) -> None:
        """Sends the message."""
        from apprise import NotifyFormat

        result = self._apprise.notify(
            title=self.message.title,
            body=self.message.body,
            notify_type=self.message.severity.value,
            body_format=NotifyFormat.TEXT,
            log_level=logging.WARNING,
        )
        said = "; ".join(dict.fromkeys(entry.message for entry in result.logs())) or "no reason given"
        self.problem = None if result else said


def open_targets(urls: Sequence[str], timeout_s: float = MESSAGE_TIMEOUT_S) -> list[Target]:
    """A target for each URL, named by its scheme: `slack`, `mailto`, the second one `mailto-2`. Nothing is sent.

    Raises:
        ConfigurationError: apprise doesn't understand a URL; says which, without the URL.
    """
    from apprise import Apprise, AppriseAsset, OverflowMode

    asset = AppriseAsset(
        app_id="attribution",
        app_desc="attribution_dagster",
        # A redirect turns POST into GET, and a login page that answers 200 into a delivery.
        http_redirects=False,
        service_timeout=0,  # see _Attempt
    )
    seen: Counter[str] = Counter()
    targets = []
    for number, url in enumerate(urls, start=1):
        _REDACTION.hide(url)
        service = Apprise.instantiate(url, asset=asset)
        if service is None:
            raise ConfigurationError(
                f"ATTRIBUTION_ALERT_URLS: URL number {number} is none that apprise understands. docs/alerts.md has examples; "
                "special characters in a password are written as %xx. The URL is not shown, since it may hold a password."
            )
        service.optional = False  # apprise would call a failure of an optional service a success
        if "overflow=" not in url:
            # A message that is too long for a service would be refused again and again.
            service.overflow_mode = OverflowMode.TRUNCATE
        apprise = Apprise(asset=asset)
        apprise.add(service)
        scheme = one_line(url.split("://")[0].lower())
        seen[scheme] += 1
        targets.append(Target(scheme if seen[scheme] == 1 else f"{scheme}-{seen[scheme]}", apprise, timeout_s))
    return targets


class _Redaction(logging.Filter):
    """Lets warnings of apprise pass, without any part of the URLs that it has been told of."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: set[str] = set()

    def hide(self, url: str) -> None:
        """Nothing of this URL is shown from now on."""
        parts = re.split(r"[:/@?&=#,+]+", url)
        self._parts |= {p for part in parts for p in (part, unquote(part)) if len(p) >= _SHORTEST_PART}
        for name in ("apprise", "urllib3.connectionpool"):  # urllib3 writes paths, which may be tokens, at level DEBUG
            logging.getLogger(name).addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record may be seen; it has no secrets then."""
        if record.levelno < logging.WARNING:
            return False
        record.msg, record.args = masked(record.getMessage(), self._parts), ()
        return True


_REDACTION = _Redaction()
