"""The one reader of the environment.

Every variable is named `ATTRIBUTION_…`; a value that can't be used is refused by its name, and so is a name that nobody reads.
What is a secret among them is never shown; other secrets stay in the variables of the client that reads them, such as MLFLOW_TRACKING_PASSWORD.
"""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attribution_dagster.datasets.registry import known_datasets
from attribution_dagster.errors import ConfigurationError
from attribution_dagster.snowflake_settings import SNOWFLAKE_VARIABLES, SnowflakeSettings

WAREHOUSES = ("duckdb", "snowflake", "spark")
_EVENTS_PREFIX = "ATTRIBUTION_EVENTS_"
_SECRET = {"ATTRIBUTION_ALERT_URLS", "ATTRIBUTION_HEARTBEAT_URL"}
"""Addresses that are secrets as a whole, and are never shown."""
_PASSWORD = re.compile(r"://[^@\s]*:[^@\s]*@|https?://[^/@\s]+@|[?&;](password|pwd|token|secret)=", re.IGNORECASE)
_KNOWN = {
    "ATTRIBUTION_HOME",
    "ATTRIBUTION_EXPORTS",
    "ATTRIBUTION_DATASETS",
    "ATTRIBUTION_DATASET_FOLDERS",
    "ATTRIBUTION_WAREHOUSE",
    "ATTRIBUTION_MEMORY_LIMIT",
    "ATTRIBUTION_THREADS",
    "ATTRIBUTION_SPARK_MASTER",
    "ATTRIBUTION_SPARK_TRAINING_PROCESSES",
    "ATTRIBUTION_MLFLOW_TRACKING_URI",
    "ATTRIBUTION_ALERT_URLS",
    "ATTRIBUTION_HEARTBEAT_URL",
    "ATTRIBUTION_UI_URL",
    *SNOWFLAKE_VARIABLES,
}
_NEVER_EMPTY = {
    "ATTRIBUTION_HOME",
    "ATTRIBUTION_EXPORTS",
    "ATTRIBUTION_DATASET_FOLDERS",
    "ATTRIBUTION_MLFLOW_TRACKING_URI",
}
_BLANK = " \t\r\n,"
# A comma ends a URL only where another begins: a URL may list two recipients.
_BETWEEN_URLS = re.compile(r",*\s[\s,]*|,+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_SECRET_NAMES = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_KEY|ATTRIBUTION_(ALERT|HEARTBEAT)_URL"
)
_SHORTEST_SECRET = 6


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things lie and how much of the machine may be used. Build it with `Settings.from_environment()`."""

    home: Path
    exports: Path
    datasets: tuple[str, ...] = ("marketplace",)
    dataset_folders: tuple[Path, ...] = (Path("datasets"),)
    events: Mapping[str, str] = field(default_factory=dict)
    """Source of a dataset's events that takes the place of the one in its profile, by dataset name."""
    warehouse: str = "duckdb"
    snowflake: SnowflakeSettings | None = None
    """The account; None unless the warehouse is Snowflake."""
    spark_master: str | None = None
    """Where Spark runs if none is running yet; None is this machine."""
    spark_training_processes: int = 1
    """Processes that train a model together on Spark; 1 trains in this process."""
    memory_limit: str = "4GB"
    threads: int = 2
    mlflow_tracking_uri: str
    alert_urls: tuple[str, ...] = field(default=(), repr=False)
    """Where failed checks and runs are told, as apprise writes targets; they hold passwords."""
    heartbeat_url: str | None = field(default=None, repr=False)
    ui_url: str = "http://127.0.0.1:3000"
    database_urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Addresses, with their passwords, by the variable that holds them: those that a dataset's YAML may name."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values of the environment that no message may show."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings read from the environment.

        Raises:
            ConfigurationError: a variable holds a value that can't be used, or a password, or is named `ATTRIBUTION_…` and unknown.
        """
        env = os.environ if environment is None else environment
        _refuse_unknown(env)
        _refuse_empty(env)
        _refuse_passwords(env)
        home = Path(env.get("ATTRIBUTION_HOME", ".attribution")).expanduser().absolute()
        folders = tuple(
            Path(p).expanduser().absolute()
            for p in env.get("ATTRIBUTION_DATASET_FOLDERS", "datasets").split(os.pathsep)
            if p
        )
        datasets = _names(env.get("ATTRIBUTION_DATASETS", "marketplace"))
        warehouse = _one_of("ATTRIBUTION_WAREHOUSE", env.get("ATTRIBUTION_WAREHOUSE", "duckdb"), WAREHOUSES)
        urls = {k: v for k, v in env.items() if k.endswith("_URL") and not k.startswith("ATTRIBUTION_")}
        named = [v for k, v in env.items() if _SECRET_NAMES.search(k.upper())]
        return cls(
            home=home,
            exports=Path(env.get("ATTRIBUTION_EXPORTS", "exports")).expanduser().absolute(),
            datasets=datasets,
            dataset_folders=folders,
            events=_events(env, known_datasets(folders)),
            warehouse=warehouse,
            snowflake=SnowflakeSettings.from_environment(env, datasets) if warehouse == "snowflake" else None,
            spark_master=env.get("ATTRIBUTION_SPARK_MASTER", "").strip() or None,
            spark_training_processes=_training_processes(env, warehouse),
            memory_limit=_memory(env.get("ATTRIBUTION_MEMORY_LIMIT", "4GB")),
            threads=_positive("ATTRIBUTION_THREADS", env.get("ATTRIBUTION_THREADS", str(os.cpu_count() or 1))),
            mlflow_tracking_uri=_uri(env.get("ATTRIBUTION_MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")),
            alert_urls=tuple(filter(None, _BETWEEN_URLS.split(env.get("ATTRIBUTION_ALERT_URLS", "").strip(_BLANK)))),
            heartbeat_url=_heartbeat(env),
            ui_url=(_web("ATTRIBUTION_UI_URL", env.get("ATTRIBUTION_UI_URL")) or cls.ui_url).rstrip("/"),
            database_urls=urls,
            secrets=tuple(v for v in (*named, *map(_password, urls.values())) if len(v) >= _SHORTEST_SECRET),
        )


def _refuse_unknown(env: Mapping[str, str]) -> None:
    for name in sorted(env):
        # Kubernetes sets such variables for a service that is called attribution.
        foreign = name.startswith(("ATTRIBUTION_SERVICE_", "ATTRIBUTION_PORT"))
        if (
            name.startswith("ATTRIBUTION_")
            and not foreign
            and name not in _KNOWN
            and not name.startswith(_EVENTS_PREFIX)
        ):
            raise ConfigurationError(
                f"{name} is set but nothing reads it; known are {', '.join(sorted(_KNOWN))} and {_EVENTS_PREFIX}<DATASET>"
            )


def _refuse_empty(env: Mapping[str, str]) -> None:
    """An empty path would be the working folder. Empty is as good as not set where nothing is the default."""
    for name in sorted(env):
        if (name in _NEVER_EMPTY or name.startswith(_EVENTS_PREFIX)) and not env[name].strip():
            raise ConfigurationError(f"{name} is empty: give it a value, or unset it")


def _refuse_passwords(env: Mapping[str, str]) -> None:
    """A password in an address ends up in links, error messages and metadata. The message must not be the first of them."""
    for name in sorted(env):
        if name.startswith("ATTRIBUTION_") and name not in _SECRET and _PASSWORD.search(env[name]):
            raise ConfigurationError(
                f"{name} holds a password or token, which logs and links would show; take it out of the address and set MLFLOW_TRACKING_USERNAME "
                "and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, which MLflow reads itself; for Postgres set PGPASSWORD"
            )


def _events(env: Mapping[str, str], datasets: Iterable[str]) -> dict[str, str]:
    """Dataset -> its events. A misspelt dataset would otherwise run on its profile's source, unnoticed."""
    known = sorted(datasets)
    events = {name: env[name] for name in sorted(env) if name.startswith(_EVENTS_PREFIX)}
    for name in events:
        if name.removeprefix(_EVENTS_PREFIX).lower() not in known:
            raise ConfigurationError(f"{name} names no dataset; known are {', '.join(known)}")
    return {name.removeprefix(_EVENTS_PREFIX).lower(): source for name, source in events.items()}


def _heartbeat(env: Mapping[str, str]) -> str | None:
    url = _web("ATTRIBUTION_HEARTBEAT_URL", env.get("ATTRIBUTION_HEARTBEAT_URL"))
    if url and not env.get("ATTRIBUTION_ALERT_URLS", "").strip(_BLANK):
        raise ConfigurationError(
            "ATTRIBUTION_HEARTBEAT_URL is set but ATTRIBUTION_ALERT_URLS is not: nobody is told, so nothing would fetch it"
        )
    return url


def _password(url: str) -> str:
    """The password in an address, empty without one."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def _training_processes(env: Mapping[str, str], warehouse: str) -> int:
    name = "ATTRIBUTION_SPARK_TRAINING_PROCESSES"
    processes = _positive(name, env.get(name, "1"))
    if processes > 1 and warehouse != "spark":
        raise ConfigurationError(f"{name}={processes} needs Spark: set ATTRIBUTION_WAREHOUSE=spark, or unset it")
    return processes


def _names(value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(n.strip() for n in value.split(",") if n.strip()))
    if not names:
        raise ConfigurationError("ATTRIBUTION_DATASETS is empty; name at least one dataset, such as marketplace")
    return names


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigurationError(f"{name}={value!r} is not one of {', '.join(allowed)}")
    return value


def _positive(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ConfigurationError(f"{name}={value!r} is not a whole number of at least 1")
    return int(value)


def _web(name: str, value: str | None) -> str | None:
    """The address as it is; the error doesn't show it, since it may hold a secret."""
    if not value:
        return None
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{name} is not an address that starts with http:// or https:// and names a host")
    return value.strip()


def _uri(value: str) -> str:
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value):
        raise ConfigurationError(
            f"ATTRIBUTION_MLFLOW_TRACKING_URI={value!r} is no address such as http://host:5000 or sqlite:////folder/mlflow.db"
        )
    return value


def _memory(value: str) -> str:
    size = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)", value, re.ASCII)
    if size is None or float(size[1]) == 0:
        raise ConfigurationError(f"ATTRIBUTION_MEMORY_LIMIT={value!r} is not a size such as 4GB or 512MB")
    return value
