"""The settings, read from the environment once and validated; no other module reads it."""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from api import key_files
from domain.kit import private_files
from domain.kit.clock import Clock, FileClock, system_clock
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from plugins.installation.directory import PACKAGES_VARIABLE, PluginsDirectory
from plugins.isolation.limits import ChildLimits
from plugins.isolation.targets import ALL

IN_PROCESS = "memory://"
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
_SEVERAL_HOSTS = re.compile(
    r"(?P<before>postgres[^:]*://(?:[^@/]*@)?)(?P<hosts>[^/?@]+,[^/?@]+)(?:/(?P<name>[^?]*))?(?:\?(?P<query>.*))?"
)
_BROKERS = ("amqp://", "amqps://", "redis://", "rediss://")

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class InvalidSetting(Exception):
    """A variable has an invalid value; the message names the variable."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MUSTER_", env_ignore_empty=True, frozen=True)

    env: Literal["production", "test"] = "production"
    database_url: str = Field(default="sqlite+aiosqlite:///muster.db", repr=False)
    database_pooler: Literal["none", "transaction"] = "none"
    row_security: bool = False
    broker_url: str = Field(default=IN_PROCESS, repr=False)
    broker_namespace: str = Field(default="muster", pattern=r"^[A-Za-z_][A-Za-z0-9._-]{0,31}$")
    secret_key: SecretStr | None = None
    previous_secret_key: SecretStr | None = None
    files_dir: Path | None = None
    journals_dir: Path | None = None
    plugins_dir: Path | None = None
    clock_file: Path | None = None
    public_url: str = "http://127.0.0.1:8000"
    allowed_origins: CommaSeparated = ()
    trusted_proxies: CommaSeparated = ("127.0.0.1", "::1")
    blocked_plugins: CommaSeparated = ()
    private_targets: CommaSeparated = ()
    audit_before: bool = True
    channel_memory_mb: int = Field(default=1024, ge=256, le=65536)
    preview_cache_mb: int = Field(default=64, ge=0, le=4096)
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def from_env(cls) -> Self:
        """Return the settings. Raise InvalidSetting for the first invalid variable, in one line."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            variable = f"MUSTER_{str(first['loc'][0]).upper()}: " if first["loc"] else ""
            raise InvalidSetting(variable + first["msg"].removeprefix("Value error, ")) from error

    @field_validator("database_url")
    @classmethod
    def _with_async_driver(cls, value: str) -> str:
        try:
            url = make_url(_with_hosts_in_query(value))
        except ArgumentError:
            raise ValueError("write postgresql://user:password@host/name or sqlite:///file.db") from None
        name = url.get_backend_name()
        if name not in _DRIVERS:
            raise ValueError(f"{name!r} is not supported: use postgresql:// or sqlite:///")
        if name == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("SQLite needs a file, such as sqlite:///muster.db")
        if "sslmode" in url.query:
            url = url.update_query_pairs([("ssl", str(url.query["sslmode"]))]).difference_update_query(["sslmode"])
        return url.set(drivername=_DRIVERS[name]).render_as_string(hide_password=False)

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        addresses = [address.strip() for address in value.split(",")]
        if value != IN_PROCESS and not all(address.startswith(_BROKERS) for address in addresses):
            raise ValueError(f"write amqp://..., redis://..., or {IN_PROCESS} for the broker inside the server")
        if len(addresses) > 1 and not all(address.startswith("amqp") for address in addresses):
            raise ValueError("only RabbitMQ has several addresses: amqp://...,amqp://...")
        return ",".join(addresses)

    @field_validator("secret_key", "previous_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("a key has at least 16 characters")
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        TypeAdapter(HttpUrl).validate_python(value)
        return value.rstrip("/")

    @field_validator("allowed_origins", "blocked_plugins", "private_targets", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value if value != ("none",) else ():
            try:
                ip_network(address)
            except ValueError:
                raise ValueError(
                    f"{address!r} is no address or network such as 10.0.0.0/8; write none for none"
                ) from None
        return () if value == ("none",) else value

    @field_validator("private_targets")
    @classmethod
    def _networks(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            try:
                ip_network(value, strict=False)
            except ValueError:
                if value != ALL:
                    raise ValueError(f"{value!r} is no network: write 10.0.0.0/8, 127.0.0.1, or {ALL}") from None
        return values

    @model_validator(mode="after")
    def _row_security_of_postgresql(self) -> Self:
        if self.row_security and self.database_url.startswith("sqlite"):
            raise ValueError("MUSTER_ROW_SECURITY needs PostgreSQL: SQLite has no row-level security")
        return self

    @model_validator(mode="after")
    def _clock_only_in_tests(self) -> Self:
        if self.clock_file is not None and self.env != "test":
            raise ValueError("MUSTER_CLOCK_FILE stops the clock: it is allowed with MUSTER_ENV=test only")
        return self

    @model_validator(mode="after")
    def _previous_key_of_another(self) -> Self:
        if self.previous_secret_key is not None and self.secret_key is None:
            raise ValueError("MUSTER_PREVIOUS_SECRET_KEY is the key before MUSTER_SECRET_KEY, which is not set")
        return self

    @property
    def embedded(self) -> bool:
        """Return whether the server process runs the workers and the scheduler too."""
        return self.broker_url == IN_PROCESS

    def sqlite_file(self) -> Path | None:
        """Return the file of the database, None on PostgreSQL."""
        url = make_url(self.database_url)
        return Path(str(url.database)).absolute() if url.get_backend_name() == "sqlite" else None

    def files(self) -> Path:
        """Return the directory of reports: by default beside the database, or in the working directory."""
        if self.files_dir is not None:
            return self.files_dir
        url = make_url(self.database_url)
        return Path(f"{url.database}-files" if url.get_backend_name() == "sqlite" else "muster-files")

    def journals(self) -> Path:
        """Return the directory of workers' journals: by default beside the database, or in the working directory."""
        if self.journals_dir is not None:
            return self.journals_dir.absolute()
        url = make_url(self.database_url)
        name = f"{url.database}-journals" if url.get_backend_name() == "sqlite" else "muster-journals"
        return Path(name).absolute()

    def plugins(self) -> PluginsDirectory:
        """Return the directory of installed plugins: by default in the working directory.

        Raise InvalidSetting for one by default that another user may have put there: its code would be run.
        """
        if self.plugins_dir is not None:
            return PluginsDirectory(self.plugins_dir.absolute())
        path = Path("muster-plugins").absolute()
        if path.exists() and not private_files.is_trustworthy(path):
            raise InvalidSetting(f"{path} can be written by another user: set MUSTER_PLUGINS_DIR to have it used")
        return PluginsDirectory(path)

    def tighten_directories(self) -> None:
        """Have nobody else read the directories that Muster has made by default; others are the operator's."""
        if self.files_dir is None:
            private_files.tighten(self.files())
        if self.journals_dir is None:
            private_files.tighten(self.journals())

    def child_limits(self) -> ChildLimits:
        """Return what processes of plugins may have."""
        packages = self.plugins().packages
        return ChildLimits(child_environment(packages), self.channel_memory_mb, self.private_targets, packages)

    def clock(self) -> Clock:
        """Return the clock that the settings choose. Raise InvalidSetting when its file holds no time."""
        if self.clock_file is None:
            return system_clock
        try:
            return FileClock(self.clock_file)
        except (OSError, ValueError) as error:
            raise InvalidSetting(f"MUSTER_CLOCK_FILE: {error}") from error

    def secret_keys(self) -> SecretKeys:
        """Return the keys that seal what is secret; create and store one when none is set."""
        if self.secret_key is None:
            return SecretKeys(key_files.read_or_create(), key_files.read)
        previous = self.previous_secret_key
        return SecretKeys(KeyPair(_key_of(self.secret_key), None if previous is None else _key_of(previous)))


def _key_of(secret: SecretStr) -> SecretKey:
    return SecretKey(secret.get_secret_value().encode())


def _with_hosts_in_query(url: str) -> str:
    """Return the URL as SQLAlchemy reads it: of several hosts after the name, each as a parameter."""
    match = _SEVERAL_HOSTS.fullmatch(url)
    if match is None:
        return url
    hosts = "&".join(f"host={host if ':' in host else host + ':5432'}" for host in match["hosts"].split(","))
    return f"{match['before']}/{match['name'] or ''}?{hosts}{'&' + match['query'] if match['query'] else ''}"


# What channels' code may know of this process's environment: no address, no password, no key of ours.
_HANDED_OVER = re.compile(
    r"(PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|PYTHON\w*|VIRTUAL_ENV|SSL_CERT_(FILE|DIR)"
    r"|REQUESTS_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY)",
    re.IGNORECASE,
)


def child_environment(packages: Path | None = None) -> dict[str, str]:
    """Return the environment of plugins' processes, which find the packages of installed plugins by it."""
    handed_over = {name: value for name, value in os.environ.items() if _HANDED_OVER.fullmatch(name)}
    if packages is not None:
        handed_over[PACKAGES_VARIABLE] = str(packages)
    # Pydantic would read the entry points of every package, and fail with those of one that is broken.
    return {**handed_over, "PYDANTIC_DISABLE_PLUGINS": "__all__"}


def is_attended() -> bool:
    """Return whether a person may be at the terminal: continuous integration sets CI."""
    return not os.environ.get("CI")
