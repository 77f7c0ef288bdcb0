"""MLflow's own scoring server over the model that an environment variable names, behind a guard that reads the envelope.

`uvicorn attribution_dagster.serving.app:create --factory` runs it; `attribution serve` does.
"""

import json
import os
import warnings
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

MODEL, MAX_BODY_BYTES = "SCORING_MODEL", "SCORING_MAX_BODY_BYTES"
_SCORED, _JSON = "/invocations", b"application/json"
_CODES = {400: "BAD_REQUEST", 413: "REQUEST_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def create() -> App:
    """The server's application, its model loaded."""
    from mlflow.pyfunc import load_model, scoring_server

    with warnings.catch_warnings(record=True):  # that MLflow does not validate requests: requests.py does
        served = scoring_server.init(load_model(os.environ[MODEL]))
    return Guarded(served, int(os.environ[MAX_BODY_BYTES]))


class Guarded:
    """Refuses what is too large, without keeping it in memory, and what holds no list of inputs; the rest is MLflow's.

    MLflow would read a body of any size, and put all of one that it can't read into its answer.
    """

    def __init__(self, app: App, max_bytes: int) -> None:
        """`app` sees the requests that are let through."""
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read a request to be scored, and pass it on whole or refuse it."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) != ("POST", _SCORED):
            await self._app(scope, receive, send)
            return
        content_type = dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0]
        if content_type.strip().lower() != _JSON:
            await _refuse(send, 415, "content-type", "must be application/json")
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":  # the caller has hung up
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._max_bytes:
                await _refuse(
                    send, 413, "body", f"is larger than {self._max_bytes:,} bytes: send fewer sessions at once"
                )
                return
        if problem := _problem(bytes(body)):
            await _refuse(send, 400, *problem)
            return
        # MLflow knows no other spelling of the type, though capitals and parameters are allowed.
        headers = [(name, _JSON if name == b"content-type" else value) for name, value in scope["headers"]]
        await self._app({**scope, "headers": headers}, _replayed(bytes(body), receive), send)


def _problem(body: bytes) -> tuple[str, str] | None:
    """The field that is wrong with the envelope, and what; None if nothing is."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        return "body", f"is no JSON that can be read: {error}"
    if not isinstance(value, dict) or set(value) != {"inputs"}:
        return "body", 'must be an object with one field, "inputs"'
    if not isinstance(value["inputs"], list):
        return "inputs", f"must be a list of sessions, not {type(value['inputs']).__name__}"
    return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The whole body as one message, then whatever the caller does."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


async def _refuse(send: Send, status: int, field: str, problem: str) -> None:
    content = json.dumps({"error_code": _CODES[status], "field": field, "message": f"{field}: {problem}"}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
