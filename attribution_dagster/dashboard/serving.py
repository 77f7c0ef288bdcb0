"""Starts the web app: on loopback only, without telemetry, with the first page drawn once before the first visitor comes."""

from contextlib import suppress
from pathlib import Path

APP = Path(__file__).with_name("app.py")
ADDRESS = "127.0.0.1"
OPTIONS = {
    "server.address": ADDRESS,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
}
"""Nobody logs in here, so nobody else is listened to; put a proxy that asks who it is before it, to show it to others."""


_FIRST_PAGE_S = 60


def serve(port: int) -> None:
    """Serve the app until Ctrl-C."""
    from streamlit.web import bootstrap

    options = {**OPTIONS, "server.port": port}
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
    _draw_unseen()
    print(f"dashboard on http://{ADDRESS}:{port}", flush=True)
    bootstrap.run(str(APP), is_hello=False, args=[], flag_options={})


def _draw_unseen() -> None:
    """Draw the first page in Streamlit's own test runner: whatever is imported or opened on first use then is, whoever comes first."""
    from streamlit.testing.v1 import AppTest

    with suppress(RuntimeError):  # it took longer: whoever comes first sees why
        AppTest.from_file(str(APP), default_timeout=_FIRST_PAGE_S).run()
