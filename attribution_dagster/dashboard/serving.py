"""Starts the web app: on loopback only, without telemetry, with everything imported before the first visitor comes."""

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


def serve(port: int) -> None:
    """Serve the app until Ctrl-C."""
    import plotly.graph_objects  # noqa: F401 - the slowest of what pages import
    from streamlit.web import bootstrap

    from attribution_dagster.dashboard.screens import PAGES  # noqa: F401

    options = {**OPTIONS, "server.port": port}
    bootstrap.load_config_options({name.replace(".", "_"): value for name, value in options.items()})
    print(f"dashboard on http://{ADDRESS}:{port}", flush=True)
    bootstrap.run(str(APP), is_hello=False, args=[], flag_options={})
