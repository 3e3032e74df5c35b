"""Renders the files of a new plugin out of the template in `files`."""

import keyword
import re
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from muster_sdk import AddressKind
from packaging.version import Version

from domain.kit.errors import DomainError, ErrorCode

_FILES = Path(__file__).parent / "files"
_SDK = Path(__file__).parents[1] / "sdk"
_SDK_SOURCE = """\
# The SDK is not on PyPI yet: uv takes it from the checkout of Muster.
[tool.uv.sources]
muster-sdk = {{ path = "{}" }}

"""
_SUFFIX = ".tmpl"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 40
_LONGEST_LABEL = 64
_RENAMED = {"package": "$module", "gitignore": ".gitignore"}


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """The names of a new plugin: `name` is its package's, its channel's key and, with underscores, its module's."""

    name: str
    label: str
    address: AddressKind

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def class_name(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("-"))


def name_plugin(name: str, label: str | None, address: AddressKind, channels: Collection[str]) -> NewPlugin:
    """Return the plugin of this name, whose label is made of it where none is given.

    `channels` are the keys of channels that are there. Raise DomainError for a name that is invalid or taken.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise DomainError(
            f"NAME: a name is of lower-case letters, digits and single hyphens, such as pigeon-post, a letter first,"
            f" {_LONGEST_NAME} characters at most",
            field=("name",),
        )
    plugin = NewPlugin(name, name.replace("-", " ").capitalize() if label is None else label, address)
    _check_label(plugin.label)
    owner = _owner(plugin, channels)
    if owner is not None:
        raise DomainError(f"NAME: {name} is the name of {owner} already", field=("name",), code=ErrorCode.TAKEN)
    return plugin


def write_plugin(plugin: NewPlugin, folder: Path, sdk_path: str | None = None) -> None:
    """Write the package into a folder that is not there, or empty. Raise DomainError when it is neither.

    `sdk_path` leads to the source of the SDK, by default to this checkout's, if it is one.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DomainError(f"{folder} is there already, and not empty", field=("path",), code=ErrorCode.TAKEN)
    path = sdk_path or (_SDK.as_posix() if (_SDK / "pyproject.toml").is_file() else None)
    sdk = Version(version("muster-sdk"))
    values = {
        "name": plugin.name,
        "module": plugin.module,
        "class_name": plugin.class_name,
        "label": plugin.label,
        "address": plugin.address.value,
        "sdk": f"{sdk.major}.{sdk.minor}",
        "next_sdk": str(sdk.major + 1) if sdk.major else f"0.{sdk.minor + 1}",
        "sdk_source": _SDK_SOURCE.format(path) if path else "",
    }
    written = not folder.exists()
    try:
        for source in sorted(_FILES.rglob(f"*{_SUFFIX}")):
            target = folder / _target(source, values)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(source.read_text()).substitute(values))
    except BaseException:
        if written:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _target(source: Path, values: dict[str, str]) -> Path:
    parts = source.relative_to(_FILES).with_suffix("").parts
    return Path(*(Template(_RENAMED.get(part, part)).substitute(values) for part in parts))


def _check_label(label: str) -> None:
    if not 0 < len(label) <= _LONGEST_LABEL or not label.isprintable() or set(label) & set('"\\'):
        raise DomainError(
            f"--label: a label has {_LONGEST_LABEL} characters at most, and no quotation marks or backslashes",
            field=("label",),
        )


def _owner(plugin: NewPlugin, channels: Collection[str]) -> str | None:
    """Return what has a name of the plugin's, None when they are free."""
    if keyword.iskeyword(plugin.module) or plugin.module in {"tests", "src"}:
        return "something else in Python or in the package"
    if plugin.name in channels:
        return "an installed channel"
    try:
        distribution(plugin.name)
    except PackageNotFoundError:
        pass
    else:
        return "an installed package"
    if plugin.module in sys.stdlib_module_names or find_spec(plugin.module) is not None:
        return "a module of Python or of an installed package"
    return None
