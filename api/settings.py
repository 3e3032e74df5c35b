"""What the environment says, read once and checked; nobody else looks there."""

import os
import secrets
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from domain.kit.clock import Clock, FileClock, system_clock

IN_PROCESS = "memory://"
KEY_FILE = Path("muster.key")
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
_BROKERS = ("amqp://", "amqps://", "redis://", "rediss://")

CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class WrongSetting(Exception):
    """A variable has a value that cannot be used; the message names it."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MUSTER_", env_ignore_empty=True, frozen=True)

    env: Literal["production", "test"] = "production"
    database_url: str = Field(default="sqlite+aiosqlite:///muster.db", repr=False)
    broker_url: str = Field(default=IN_PROCESS, repr=False)
    secret_key: SecretStr | None = None
    files_dir: Path | None = None
    clock_file: Path | None = None
    public_url: str = "http://127.0.0.1:8000"
    allowed_origins: CommaSeparated = ()
    blocked_plugins: CommaSeparated = ()
    preview_cache_mb: int = Field(default=64, ge=0, le=4096)
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def from_env(cls) -> Self:
        try:
            return cls()
        except ValidationError as error:
            raise WrongSetting(_one_line(error)) from error

    @field_validator("database_url")
    @classmethod
    def _with_async_driver(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("write postgresql://user:password@host/name or sqlite:///file.db") from None
        name = url.get_backend_name()
        if name not in _DRIVERS:
            raise ValueError(f"{name!r} is not a database that Muster knows: postgresql:// or sqlite:///")
        if name == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("SQLite needs a file, such as sqlite:///muster.db")
        if "sslmode" in url.query:
            url = url.update_query_pairs([("ssl", str(url.query["sslmode"]))]).difference_update_query(["sslmode"])
        return url.set(drivername=_DRIVERS[name]).render_as_string(hide_password=False)

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: str) -> str:
        if value != IN_PROCESS and not value.startswith(_BROKERS):
            raise ValueError(f"write amqp://..., redis://..., or {IN_PROCESS} for the broker inside the server")
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError("a key that nobody guesses has at least 16 characters")
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        TypeAdapter(HttpUrl).validate_python(value)
        return value.rstrip("/")

    @field_validator("allowed_origins", "blocked_plugins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _clock_only_in_tests(self) -> Self:
        if self.clock_file is not None and self.env != "test":
            raise ValueError("MUSTER_CLOCK_FILE holds the time still: it is refused unless MUSTER_ENV=test")
        return self

    @property
    def embedded(self) -> bool:
        """The server process runs the workers and the scheduler too."""
        return self.broker_url == IN_PROCESS

    def files(self) -> Path:
        """Where reports are kept: by default beside the database, or in the working directory."""
        if self.files_dir is not None:
            return self.files_dir
        url = make_url(self.database_url)
        return Path(f"{url.database}-files" if url.get_backend_name() == "sqlite" else "muster-files")

    def clock(self) -> Clock:
        if self.clock_file is None:
            return system_clock
        try:
            return FileClock(self.clock_file)
        except (OSError, ValueError) as error:
            raise WrongSetting(f"MUSTER_CLOCK_FILE: {error}") from error

    def key(self) -> bytes:
        """The secret that settings of channels and links are sealed with; made once when none was given."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return _kept_key(KEY_FILE)


def is_attended() -> bool:
    """Whether somebody may sit at the keyboard: continuous integration sets CI."""
    return not os.environ.get("CI")


def _kept_key(path: Path) -> bytes:
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # Linked into place whole: of several processes that start at once, all read the same key.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path.read_bytes().strip()


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    return f"MUSTER_{str(first['loc'][0]).upper()}: {message}"
