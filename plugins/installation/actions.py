"""Installs and removes plugins: a set of packages is made anew, checked, and takes the place of the one before."""

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename

from domain.kit.errors import ErrorCode
from plugins.installation.checks import (
    PluginRefused,
    check_free,
    check_packages,
    host_packages,
    parse_requirement,
    wheel_name,
)
from plugins.installation.directory import PluginsDirectory, PluginSet
from plugins.installation.tools import Tool

_SOURCES = ("pyproject.toml", "setup.py")


def install(directory: PluginsDirectory, tool: Tool, request: str) -> NormalizedName:
    """Install the plugin in this directory or wheel, or of this name, and return its package's name.

    Another version of the same package is replaced. Raise PluginRefused or ToolFailed: nothing has changed then.
    """
    with directory.replacement() as made:
        added, name = _add(made, tool, request)
        others = _copy_requests(directory.current, made, without=name)
        _fill(made, tool, [*others, added])
    return name


def reinstall(directory: PluginsDirectory, tool: Tool) -> Sequence[NormalizedName]:
    """Install anew all that was asked for, and return its names. Raise ToolFailed: nothing has changed then."""
    if directory.current is None:
        return []
    with directory.replacement() as made:
        requests = _copy_requests(directory.current, made)
        _fill(made, tool, requests)
    return [_name_of(request) for request in requests]


def remove(directory: PluginsDirectory, name: str) -> None:
    """Remove the plugin, and what it alone needed. Raise PluginRefused when it is not installed. No network."""
    removed = canonicalize_name(name)
    current = directory.current
    requests: Sequence[str] = [] if current is None else current.requests
    if current is None or removed not in {_name_of(request) for request in requests}:
        listed = ", ".join(_name_of(request) for request in requests) or "none"
        raise PluginRefused(
            f"{name} is not installed by `muster plugins install`; installed are: {listed}", code=ErrorCode.NOT_FOUND
        )
    with directory.replacement() as made:
        # What was compiled is in no package's list of files, and would be left of those that are deleted.
        compiled = shutil.ignore_patterns("__pycache__")
        shutil.copytree(current.packages, made.packages, ignore=compiled, dirs_exist_ok=True)
        others = _copy_requests(current, made, without=removed)
        made.write_requests(others)
        _delete_unneeded(made.packages, {_name_of(other) for other in others})


def _add(made: PluginSet, tool: Tool, request: str) -> tuple[str, NormalizedName]:
    """Return the line of the list for what is asked for, and its package's name."""
    source = Path(request).expanduser().resolve()
    if not source.exists():
        if os.sep in request or request.startswith(".") or request.endswith(".whl"):
            raise PluginRefused(f"There is no {source}", code=ErrorCode.NOT_FOUND)
        requirement = parse_requirement(request)
        check_free(requirement.name)
        return str(requirement), canonicalize_name(requirement.name)
    if source.suffix == ".whl":
        shutil.copy(source, made.wheels)
    elif source.is_dir() and any((source / name).is_file() for name in _SOURCES):
        tool.build_wheel(source, made.wheels)
    else:
        raise PluginRefused(f"{source} is no package: it is neither a wheel nor a directory with a pyproject.toml")
    [wheel] = made.wheels.glob("*.whl")
    name = wheel_name(wheel)
    check_free(name)
    return f"wheels/{wheel.name}", name


def _copy_requests(current: PluginSet | None, made: PluginSet, without: str = "") -> Sequence[str]:
    """Return all that was asked for but one package, and copy the wheels that belong to it."""
    requests = [] if current is None else [request for request in current.requests if _name_of(request) != without]
    for request in requests:
        if current is not None and _is_wheel(request):
            shutil.copy(current.path / request, made.wheels)
    return requests


def _fill(made: PluginSet, tool: Tool, requests: Sequence[str]) -> None:
    located = [str(made.path / request) if _is_wheel(request) else request for request in requests]
    tool.install(located, made.packages, host_packages())
    check_packages(made.packages, {_name_of(request) for request in requests})
    made.write_requests(requests)


def _delete_unneeded(packages: Path, plugins: set[NormalizedName]) -> None:
    """Delete all packages but these and those that they may need, in whatever environment."""
    installed = {canonicalize_name(package.name): package for package in distributions(path=[str(packages)])}
    needed: set[NormalizedName] = set()
    waiting = plugins & installed.keys()
    while waiting:
        needed |= waiting
        names = {
            canonicalize_name(Requirement(text).name) for name in waiting for text in installed[name].requires or ()
        }
        waiting = (names & installed.keys()) - needed
    for name in installed.keys() - needed:
        for file in installed[name].files or ():
            path = Path(str(file.locate())).resolve()
            if path.is_relative_to(packages):
                path.unlink(missing_ok=True)
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            path.rmdir()


def _is_wheel(request: str) -> bool:
    return request.endswith(".whl")


def _name_of(request: str) -> NormalizedName:
    if _is_wheel(request):
        return parse_wheel_filename(Path(request).name)[0]
    return canonicalize_name(Requirement(request).name)
