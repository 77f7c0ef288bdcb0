"""A login at Snowflake: made on first use by Dagster's resource, with errors that say what to do and no secret."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from attribution_dagster.errors import AttributionError, ConfigurationError, DataError
from attribution_dagster.snowflake_settings import SnowflakeSettings
from attribution_dagster.warehouse.tagging import query_tag

_UNKNOWN_NAME_OR_SYNTAX = {904, 1003, 1011, 2003, 2043, 3001}
_TIMED_OUT = {604, 630}
_NETWORK_TIMEOUT_S, _LOGIN_TIMEOUT_S = 300, 60


class SnowflakeSession:
    """One session in one schema. Threads take turns; a transaction is nobody else's turn."""

    def __init__(self, settings: SnowflakeSettings, dataset: str, schema: str) -> None:
        """Nothing is opened yet."""
        self._settings, self._dataset, self._schema = settings, dataset, schema
        self._turn = threading.RLock()
        self._open = ExitStack()
        self._connection: Any = None
        self.at_login: Callable[[], None] = lambda: None
        """What is done once, when the session has been opened."""

    def open(self) -> None:
        """Log in, unless that has been done."""
        with self._turn, self._explained("login"):
            if self._connection is None:
                self._login()

    def execute(self, sql: str, values: Mapping[str, object] | None = None, what: str = "statement") -> Any:
        """The cursor of a statement that has run; `what` names it in errors.

        Raises:
            ConfigurationError: no login, or a name that does not exist or may not be used.
            DataError: the statement failed on what it read, or ran into its time limit.
            OSError: the network or the service failed, which is worth another try.
        """
        with self._turn, self._explained(what):
            self.open()
            cursor = self._connection.cursor()
            cursor.execute(
                sql, dict(values) if values else None, _statement_params={"QUERY_TAG": query_tag(self._dataset)}
            )
            return cursor

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a small result."""
        with self._turn:
            return list(self.execute(sql, values).fetchall())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Statements of the block take effect together, or not at all. None of them may be DDL, which would commit."""
        with self._turn:
            self.execute("BEGIN")
            try:
                yield
            except BaseException:
                with suppress(
                    Exception
                ):  # what went wrong first is what is told; without a session nothing is left to undo
                    self.execute("ROLLBACK")
                raise
            self.execute("COMMIT")

    def close(self) -> None:
        """Log out; temporary tables are gone with it."""
        with self._turn:
            self._open.close()
            self._connection = None

    def _login(self) -> None:
        self._connection = self._open.enter_context(self._resource().get_connection())
        try:
            self.at_login()
        except BaseException:
            self._connection = None
            self._open.close()
            raise

    def _resource(self) -> Any:
        # Imported here because it takes seconds, and other warehouses do without.
        from dagster_snowflake import SnowflakeResource

        settings = self._settings
        more: dict[str, Any] = {
            "network_timeout": _NETWORK_TIMEOUT_S,
            "login_timeout": _LOGIN_TIMEOUT_S,
            "session_parameters": {
                "TIMEZONE": "UTC",
                "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
                "STATEMENT_TIMEOUT_IN_SECONDS": settings.statement_timeout_s,
                "CLIENT_OUT_OF_BAND_TELEMETRY_ENABLED": False,
            },
        }
        if settings.url is not None:
            address = urlsplit(settings.url)
            more |= {"host": address.hostname, "protocol": address.scheme, "port": address.port or 443}
        if settings.token is not None:
            more |= {"token": settings.token}
        given = {
            "account": settings.account,
            "user": settings.user,
            "warehouse": settings.warehouse,
            "database": settings.database,
            "schema": self._schema,
            "role": settings.role,
            "private_key_path": settings.private_key_path,
            "private_key_password": settings.private_key_passphrase,
            "authenticator": "PROGRAMMATIC_ACCESS_TOKEN" if settings.token is not None else None,
        }
        return SnowflakeResource(
            **{name: value for name, value in given.items() if value is not None},
            autocommit=True,
            paramstyle="pyformat",
            additional_snowflake_connection_args=more,
        )

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (AttributionError, OSError) as error:
            if isinstance(error, OSError) and self._connection is None:
                raise self._no_login(error) from None
            raise
        except Exception as error:
            kinds = {each.__name__ for each in type(error).__mro__}
            if self._connection is None:
                raise self._no_login(error) from None
            if type(error).__module__ != "snowflake.connector.errors":
                raise
            raise self._translated(error, kinds, what) from None

    def _translated(self, error: Any, kinds: set[str], what: str) -> Exception:
        said = self._without_secrets(str(error))
        if error.errno in _TIMED_OUT:
            return DataError(
                f"query {what} ran longer than ATTRIBUTION_SNOWFLAKE_TIMEOUT={self._settings.statement_timeout_s} s allows: {said}"
            )
        if error.errno in _UNKNOWN_NAME_OR_SYNTAX or str(error.sqlstate or "").startswith("42"):
            return ConfigurationError(f"query {what}: {said}")
        if kinds & {"ProgrammingError", "IntegrityError", "DataError", "NotSupportedError"}:
            return DataError(f"query {what} failed: {said}")
        return OSError(
            f"query {what} failed: {said}"
        )  # of the network or the service, not of the data: worth another try

    def _no_login(self, error: Exception) -> ConfigurationError:
        settings = self._settings
        key = f"the private key in {settings.private_key_path}" if settings.private_key_path else "the token"
        return ConfigurationError(
            f"no login at Snowflake account {settings.account} as {settings.user} (role {settings.role or 'of the user'}, warehouse {settings.warehouse}, "
            f"database {settings.database}) with {key}: {self._without_secrets(str(error))}. See ATTRIBUTION_SNOWFLAKE_… in docs/snowflake.md."
        )

    def _without_secrets(self, text: str) -> str:
        for secret in (self._settings.token, self._settings.private_key_passphrase):
            text = text.replace(secret, "***") if secret else text
        return text
