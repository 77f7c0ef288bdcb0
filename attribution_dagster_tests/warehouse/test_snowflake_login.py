"""Settings of Snowflake that cannot be used, and logins that are refused: each is named, and no secret is told."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse
from attribution_dagster_tests.warehouse.shop import shop_profile
from attribution_dagster_tests.warehouse.stand_in import account

CANARY = "canary-51c0de77"
ACCOUNT = account("http://127.0.0.1:1", "d")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ATTRIBUTION_SNOWFLAKE_ACCOUNT": "", "ATTRIBUTION_SNOWFLAKE_DATABASE": " "}, "ACCOUNT, ATTRIBUTION_SNOWFLAKE_DATABASE, which is not set"),
        ({"ATTRIBUTION_SNOWFLAKE_TOKEN": ""}, "needs ATTRIBUTION_SNOWFLAKE_PRIVATE_KEY_PATH or ATTRIBUTION_SNOWFLAKE_TOKEN"),
        ({"ATTRIBUTION_SNOWFLAKE_PRIVATE_KEY_PATH": "/k"}, "give one of them"),
        ({"ATTRIBUTION_SNOWFLAKE_DATABASE": "d; DROP"}, "DATABASE='d; DROP' is not a name"),
        ({"ATTRIBUTION_SNOWFLAKE_SCHEMA": "a.b"}, "SCHEMA='a.b' is not a name"),
        ({"ATTRIBUTION_SNOWFLAKE_SCHEMA": "one", "ATTRIBUTION_DATASETS": "a,b"}, "would hold a, b under the same names"),
        ({"ATTRIBUTION_SNOWFLAKE_ROLE": 'a"b'}, "holds a quote"),
        ({"ATTRIBUTION_SNOWFLAKE_TIMEOUT": "0"}, "is not a number of seconds"),
        ({"ATTRIBUTION_SNOWFLAKE_URL": "http://example.com:80"}, "is not an address that starts with https://"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_named(change: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused:
        Settings.from_environment(
            ACCOUNT
            | change
            | ({} if "ATTRIBUTION_SNOWFLAKE_TOKEN" in change else {"ATTRIBUTION_SNOWFLAKE_TOKEN": CANARY})
        )
    assert CANARY not in str(refused.value)


@contextmanager
def _refusing() -> Iterator[str]:
    """A server that lets nobody in, and says what it was given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = {
                "success": False,
                "code": "394400",
                "message": f"Programmatic access token {CANARY} is invalid.",
                "data": None,
            }
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_login_that_is_refused_says_who_and_where_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with _refusing() as url:
        given = account(url, "d") | {"ATTRIBUTION_SNOWFLAKE_TOKEN": CANARY}
        settings = Settings.from_environment(given)
        assert CANARY not in repr(settings)
        warehouse = SnowflakeWarehouse(settings=settings.snowflake, profile=shop_profile())
        with pytest.raises(
            ConfigurationError,
            match=r"no login at Snowflake account stand-in as nobody .*warehouse none, database d.*token",
        ) as refused:
            warehouse.published_windows()
    key = ACCOUNT | {
        "ATTRIBUTION_SNOWFLAKE_TOKEN": "",
        "ATTRIBUTION_SNOWFLAKE_PRIVATE_KEY_PATH": str(tmp_path / "k"),
        "ATTRIBUTION_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": CANARY,
    }
    keyed = SnowflakeWarehouse(settings=Settings.from_environment(key).snowflake, profile=shop_profile())
    with pytest.raises(ConfigurationError, match=f"with the private key in {tmp_path}/k: .*No such file") as lacking:
        keyed.published_windows()
    (tmp_path / "k").write_text("no key")
    with pytest.raises(ConfigurationError, match="Unable to load private key") as broken:
        keyed.published_windows()
    said = "".join(str(each.value) for each in (refused, lacking, broken)) + caplog.text
    assert CANARY not in said
