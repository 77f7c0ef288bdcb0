"""Settings of Snowflake that cannot be used, and logins that are refused: each is named, and no secret is told."""

from pathlib import Path
from typing import Any

import pytest

from attribution_dagster.errors import ConfigurationError
from attribution_dagster.settings import Settings
from attribution_dagster.warehouse.snowflake import SnowflakeWarehouse
from attribution_dagster_tests.deployment.answering import Asked, answering
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


def _refuse(_: Asked) -> tuple[int, Any]:
    """Lets nobody in, and says what it was given."""
    said = f"Programmatic access token {CANARY} is invalid."
    return 200, {"success": False, "code": "394400", "message": said, "data": None}


def test_a_login_that_is_refused_says_who_and_where_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with answering(_refuse) as url:
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
