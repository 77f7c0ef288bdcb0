"""Names what draws figures in the page's own answer, so that browsers fetch it while they still read Streamlit itself."""

from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOLDER = "static/js"
CHUNKS = ("PlotlyChart",)
"""What Streamlit asks for only when a figure has come, 4.7 MB. A name that it no longer has is left out."""


def preload_links() -> str:
    """The header `Link` for the chunks, as `index.html` names its own: relative, so behind a proxy under a path too."""
    files = Path(streamlit.__file__).parent / "static" / FOLDER
    found = [path.name for chunk in CHUNKS for path in sorted(files.glob(f"{chunk}.*.js"))]
    return ", ".join(f"<./{FOLDER}/{name}>; rel=modulepreload; crossorigin; fetchpriority=low" for name in found)


class Preloading:
    """Adds the links to each HTML page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._links = preload_links()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start" and self._links:
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("link", self._links)
            await send(message)

        await self._app(scope, receive, send_with_links if scope["type"] == "http" else send)
