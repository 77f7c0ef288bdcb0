"""Real servers on loopback that take messages, refuse them, hang, drip, or are down."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from attribution_dagster_tests.deployment.servers import HANGING_S, free_port


class Webhook:
    """An HTTP server on one port for its life: `answer` is 200, another status, `hang` or `drip`; `down` closes the port."""

    def __init__(self) -> None:
        self.answer: int | str = 200
        self.taken: list[dict[str, Any]] = []
        self.asked = 0
        self.hang_after: int | None = None
        """It hangs once it has taken so many."""
        self._released = threading.Event()
        self._heard = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.port = free_port()
        self.up()

    @property
    def texts(self) -> list[str]:
        return [f"{m['title']}\n{m['message']}" for m in self.taken]

    def up(self) -> None:
        self._released.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def down(self) -> None:
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def release(self) -> None:
        """Ends the answers that hang or drip."""
        self._released.set()

    def wait_until_asked(self, times: int) -> None:
        """Returns once it has been asked so often; whoever asks may have given up before."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.asked >= times, HANGING_S)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._respond(body)

            def do_GET(self) -> None:
                self._respond(None)

            def _respond(self, body: dict[str, Any] | None) -> None:
                with hook._heard:
                    hook.asked += 1
                    hook._heard.notify_all()
                if hook.answer == "hang" or len(hook.taken) == hook.hang_after:
                    hook._released.wait(HANGING_S)
                    return
                if hook.answer == "drip":
                    self.send_response(200)
                    self.end_headers()
                    while not hook._released.wait(0.05):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    return
                if hook.answer == 200 and body is not None:
                    hook.taken.append(body)
                self.send_response(200 if self.path == "/login" else int(hook.answer))
                if hook.answer == 302:
                    self.send_header("Location", "/login")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    try:
        yield hook
    finally:
        hook.down()


class Mailbox:
    """aiosmtpd's handler: keeps what is sent, or answers `refusal`, after `delay_s`."""

    def __init__(self, user: str, password: str) -> None:
        self.mails: list[Any] = []
        self.refusal = ""
        self.delay_s = 0.0
        self._login = (user.encode(), password.encode())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.refusal:
            return self.refusal
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == self._login)


@contextmanager
def mail_server(mailbox: Mailbox, port: int = 0) -> Iterator[int]:
    """The port of an SMTP server that wants the mailbox's login."""
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port or free_port(),
        authenticator=mailbox.authenticate,
        auth_required=True,
        auth_require_tls=False,
        ready_timeout=HANGING_S,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
