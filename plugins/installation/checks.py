"""Checks of packages before a server loads them: they bring a plugin, and go with what the host has."""

from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from muster_sdk.hookspecs import PROJECT
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, NormalizedName, canonicalize_name, parse_wheel_filename

from domain.kit.errors import DomainError, ErrorCode

_SDK = "muster-sdk"


class PluginRefused(DomainError):
    """A package is no plugin, or none that goes with this Muster."""


def host_packages() -> dict[str, str]:
    """Return the versions of Muster's own packages by name: what it requires, and what that requires.

    What else is in its environment, such as a developer's tools, may be gone tomorrow.
    """
    versions: dict[str, str] = {}
    read: set[tuple[str, str]] = set()
    waiting = [Requirement(PROJECT)]
    while waiting:
        requirement = waiting.pop()
        package = _host_package(requirement.name)
        if package is None:
            continue
        versions[canonicalize_name(requirement.name)] = package.version
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) not in read:
                read.add((requirement.name, extra))
                waiting += _requirements(package, extra)
    return versions


def wheel_name(wheel: Path) -> NormalizedName:
    """Return the name of the package in a wheel. Raise PluginRefused for no plugin, or none that goes with the host."""
    try:
        parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise PluginRefused(f"{wheel.name} is not named as wheels are") from error
    # A file that is no ZIP has no distribution.
    for package in distributions(path=[str(wheel)]):
        _check_requirements(package, {})
        return _plugin_name(package)
    raise PluginRefused(f"{wheel.name} is no wheel: it has no metadata")


def check_packages(packages: Path, plugins: set[NormalizedName]) -> None:
    """Raise PluginRefused when a plugin is none, or a package needs another version of what is there."""
    installed = {canonicalize_name(package.name): package for package in distributions(path=[str(packages)])}
    for name in sorted(plugins):
        if name in installed:
            _plugin_name(installed[name])
    for package in installed.values():
        _check_requirements(package, installed)


def check_free(name: str) -> None:
    """Raise PluginRefused for the name of a package that Muster's environment has already."""
    if _host_package(name) is not None:
        raise PluginRefused(f"{name} is a package of Muster's own environment already", code=ErrorCode.TAKEN)


def parse_requirement(text: str) -> Requirement:
    """Return the package that is asked for by name. Raise PluginRefused when it is no name."""
    try:
        return Requirement(text)
    except InvalidRequirement:
        raise PluginRefused(
            f"{text!r} is neither a directory nor a wheel here, nor the name of a package such as pigeon-post==1.2",
            code=ErrorCode.NOT_FOUND,
        ) from None


def _plugin_name(package: Distribution) -> NormalizedName:
    if not package.entry_points.select(group=PROJECT):
        raise PluginRefused(
            f"{package.name} {package.version} brings no plugin: its pyproject.toml has no"
            f" [project.entry-points.{PROJECT}]"
        )
    return canonicalize_name(package.name)


def _check_requirements(package: Distribution, installed: Mapping[NormalizedName, Distribution]) -> None:
    for requirement in _requirements(package, ""):
        name = canonicalize_name(requirement.name)
        there = _host_package(name) or installed.get(name)
        if there is not None and not requirement.specifier.contains(there.version, prereleases=True):
            raise PluginRefused(_misfit(package, requirement, there.version))


def _misfit(package: Distribution, requirement: Requirement, version: str) -> str:
    what = "another version of the SDK" if canonicalize_name(requirement.name) == _SDK else "what this Muster has not"
    return f"{package.name} {package.version} needs {what}: {requirement}, and here is {requirement.name} {version}"


def _host_package(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _requirements(package: Distribution, extra: str) -> Iterator[Requirement]:
    for text in package.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement
