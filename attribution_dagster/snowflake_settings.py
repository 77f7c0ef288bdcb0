"""The Snowflake account that the environment names: who logs in, where tables lie, what a statement may take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from attribution_dagster.errors import ConfigurationError

_PREFIX = "ATTRIBUTION_SNOWFLAKE_"
SNOWFLAKE_VARIABLES = {
    f"{_PREFIX}{name}"
    for name in (
        "ACCOUNT", "USER", "ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "PRIVATE_KEY_PATH", "PRIVATE_KEY_PASSPHRASE", "TOKEN", "URL", "TIMEOUT",
    )
}  # fmt: skip
_PLACEHOLDER = "{dataset}"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,120}")
_LONGEST_TIMEOUT = 604_800  # what Snowflake itself allows, in seconds


@dataclass(frozen=True, kw_only=True)
class SnowflakeSettings:
    """How to log in, and where. Exactly one of the path of a private key and the token is given."""

    account: str
    user: str
    warehouse: str
    database: str
    schema: str = f"attribution_{_PLACEHOLDER}"
    """Schema that people read; the work area is beside it, called `<schema>_work`."""
    role: str | None = None
    private_key_path: str | None = None
    private_key_passphrase: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    url: str | None = None
    """Address of the account where it is not the usual one, such as that of a private link."""
    statement_timeout_s: int = 3600

    @classmethod
    def from_environment(cls, env: Mapping[str, str], datasets: tuple[str, ...]) -> "SnowflakeSettings":
        """The account of the variables `ATTRIBUTION_SNOWFLAKE_…`.

        Raises:
            ConfigurationError: variables are missing, all of which it names, or hold a value that can't be used.
        """
        given = {name: env.get(_PREFIX + name, "").strip() for name in (v.removeprefix(_PREFIX) for v in SNOWFLAKE_VARIABLES)}  # fmt: skip
        missing = [_PREFIX + name for name in ("ACCOUNT", "USER", "WAREHOUSE", "DATABASE") if not given[name]]
        if not given["PRIVATE_KEY_PATH"] and not given["TOKEN"]:
            missing.append(f"{_PREFIX}PRIVATE_KEY_PATH or {_PREFIX}TOKEN")
        if missing:
            raise ConfigurationError(f"ATTRIBUTION_WAREHOUSE=snowflake needs {', '.join(missing)}, which is not set")
        if given["PRIVATE_KEY_PATH"] and given["TOKEN"]:
            raise ConfigurationError(f"both {_PREFIX}PRIVATE_KEY_PATH and {_PREFIX}TOKEN are set: give one of them")
        for name in ("USER", "ROLE", "WAREHOUSE"):
            if '"' in given[name]:
                raise ConfigurationError(
                    f"{_PREFIX}{name}={given[name]!r} holds a quote: write the name without quotes"
                )
        return cls(
            account=given["ACCOUNT"],
            user=given["USER"],
            warehouse=given["WAREHOUSE"],
            database=_identifier("DATABASE", given["DATABASE"]),
            schema=_schema(given["SCHEMA"] or cls.schema, datasets),
            role=given["ROLE"] or None,
            private_key_path=given["PRIVATE_KEY_PATH"] or None,
            private_key_passphrase=given["PRIVATE_KEY_PASSPHRASE"] or None,
            token=given["TOKEN"] or None,
            url=_url(given["URL"]),
            statement_timeout_s=_timeout(given["TIMEOUT"] or str(cls.statement_timeout_s)),
        )

    def schema_of(self, dataset: str) -> str:
        """The schema in which people find the dataset's tables."""
        return _identifier("SCHEMA", self.schema.replace(_PLACEHOLDER, dataset)).upper()


def _schema(value: str, datasets: tuple[str, ...]) -> str:
    _identifier("SCHEMA", value.replace(_PLACEHOLDER, "x"))
    if _PLACEHOLDER not in value and len(datasets) > 1:
        raise ConfigurationError(
            f"{_PREFIX}SCHEMA={value!r} would hold {', '.join(datasets)} under the same names: write {_PLACEHOLDER} where the dataset's name goes"
        )
    return value


def _identifier(name: str, value: str) -> str:
    if not _IDENTIFIER.fullmatch(value):
        raise ConfigurationError(
            f"{_PREFIX}{name}={value!r} is not a name: use letters, digits, _ and $, no digit first"
        )
    return value


def _url(value: str) -> str | None:
    """The address; plain HTTP only to this machine, since what is sent opens the account."""
    if not value:
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or (plain and port)):
        raise ConfigurationError(f"{_PREFIX}URL is not an address that starts with https:// and names a host")
    return value


def _timeout(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= _LONGEST_TIMEOUT:
        raise ConfigurationError(f"{_PREFIX}TIMEOUT={value!r} is not a number of seconds from 1 to {_LONGEST_TIMEOUT}")
    return int(value)
