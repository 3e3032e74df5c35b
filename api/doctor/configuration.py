"""Checks of settings, of the files that they name, and of plugins."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import make_url, select

from api.doctor.check import CheckScope, DataCheck, Examination, ProcessCheck, found_rows, wrong_rows_of_all_stores
from api.doctor.findings import Finding
from api.doctor.pooler import pooler_problems
from api.key_files import KEY_FILE
from api.settings import Settings
from api.wiring import Runtime
from domain.kit.db import Transaction
from domain.stores.tables import channel_installations

_LOCAL = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}  # noqa: S104 - compared, not listened on
_GROUP_AND_OTHERS = 0o077
_LEAST_FREE_BYTES = 200_000_000
_LEAST_FREE_PART = 0.05
_NO_KEY = SecretStr("of the doctor, which makes no file")


class DiskSpace(Protocol):
    """The size of a file system and what is free of it, in bytes."""

    @property
    def total(self) -> int: ...

    @property
    def free(self) -> int: ...


def database_file(settings: Settings) -> Path | None:
    """Return the file of an SQLite database."""
    url = make_url(settings.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def missing_database(settings: Settings) -> str | None:
    """Return why there is no database to look at; to open a file that is missing would make it."""
    path = database_file(settings)
    if path is None or path.is_file():
        return None
    return f"there is no file {path}: run `muster migrate`, or set MUSTER_DATABASE_URL"


def with_key(settings: Settings) -> Settings:
    """Return settings that have a key: to read the one of a file that is missing would make the file."""
    if settings.secret_key is None and not KEY_FILE.is_file():
        return settings.model_copy(update={"secret_key": _NO_KEY})
    return settings


async def find_conflicts(runtime: Runtime) -> Sequence[Finding]:
    settings = runtime.settings
    problems: list[str] = []
    if settings.env == "test":
        problems.append("MUSTER_ENV=test is meant for tests")
    if not settings.embedded and settings.database_url.startswith("sqlite"):
        problems.append("several processes share SQLite: set MUSTER_DATABASE_URL to PostgreSQL")
    problems += [
        f"MUSTER_ALLOWED_ORIGINS has {origin!r}, which lets the pages of strangers in: name sites"
        for origin in settings.allowed_origins
        if "*" in origin or origin == "null"
    ]
    if settings.database_pooler == "none" and missing_database(settings) is None:
        problems += await pooler_problems(runtime.database)
    return [Finding(problem) for problem in problems]


async def find_left_out_plugins(runtime: Runtime) -> Sequence[Finding]:
    faults = runtime.plugins.faults
    return [Finding(f"{fault.plugin} of {fault.package} is left out: {fault.reason}") for fault in faults]


async def find_unsafe_files(runtime: Runtime) -> Sequence[Finding]:
    return list(_unsafe_files(runtime.settings))


def _unsafe_files(settings: Settings) -> Iterator[Finding]:
    if settings.secret_key == _NO_KEY:
        yield Finding(
            f"there is neither MUSTER_SECRET_KEY nor a file {KEY_FILE}: a new key opens no stored settings",
            warning=True,
        )
    elif settings.secret_key is None and KEY_FILE.stat().st_mode & _GROUP_AND_OTHERS:
        yield Finding(f"{KEY_FILE} can be read by others than its owner: chmod 600 {KEY_FILE}")
    path = database_file(settings)
    if path is not None and path.is_file() and path.stat().st_mode & _GROUP_AND_OTHERS:
        yield Finding(f"{path} can be read by others than its owner: chmod 600 {path}", warning=True)


async def find_full_disks(
    runtime: Runtime, usage: Callable[[Path], DiskSpace] = shutil.disk_usage
) -> Sequence[Finding]:
    """Return the directories of ours whose disks are nearly full."""
    settings = runtime.settings
    file = database_file(settings)
    places = {"files": settings.files(), "journals": settings.journals()}
    if file is not None:
        places["database"] = file.parent
    findings: list[Finding] = []
    for noun, place in places.items():
        existing = next((path for path in (place, *place.absolute().parents) if path.exists()), None)
        if existing is None:
            continue
        space = usage(existing)
        few = space.free < _LEAST_FREE_BYTES
        if few or space.free < space.total * _LEAST_FREE_PART:
            free = f"{space.free / 1_000_000:,.0f} MB of {space.total / 1_000_000:,.0f}"
            findings.append(Finding(f"the disk of the {noun} at {place} has {free} free", warning=not few))
    return findings


async def find_unreachable_address(tx: Transaction, scope: CheckScope) -> Sequence[Finding]:
    """Return why links in messages would lead nowhere, or be read on the way."""
    public_url = scope.runtime.settings.public_url
    url = urlsplit(public_url)
    if url.hostname not in _LOCAL:
        problem = f"MUSTER_PUBLIC_URL is {public_url}: links to files and opt-outs can be read on their way"
        return [] if url.scheme == "https" else [Finding(problem, warning=True)]
    installed = channel_installations.c
    real = select(installed.store_id, installed.channel).where(installed.settings.is_not(None))
    problem = (
        f"channels are configured, and MUSTER_PUBLIC_URL is {public_url}: no customer can open an unsubscribe link"
    )
    return found_rows(problem, await wrong_rows_of_all_stores(tx, real), scope, warning=True)


PROCESS_CHECKS = (
    ProcessCheck(
        "settings", "no conflicts", "change the variable that is named, and start all processes again", find_conflicts
    ),
    ProcessCheck(
        "secrets",
        "nobody else can read the key and the database's file",
        "set MUSTER_SECRET_KEY or bring the file back; take rights away from others",
        find_unsafe_files,
    ),
    ProcessCheck(
        "plugins",
        "all that is installed is used",
        "repair or remove the package, then look at `muster plugins`",
        find_left_out_plugins,
    ),
    ProcessCheck(
        "disks",
        "there is room for the database, files and journals",
        "make room, or move the directory",
        find_full_disks,
    ),
)
DATA_CHECKS = (
    DataCheck(
        "address",
        "customers can open the links of messages",
        "set MUSTER_PUBLIC_URL to the https address at which customers reach the server",
        [Examination(find_unreachable_address, [channel_installations])],
    ),
)
