"""Wheels of small plugins, as a build would write them, and an index of them that needs no network."""

from pathlib import Path
from zipfile import ZipFile

DIMENSION = """
from muster_sdk import Dimension, PropertyValue, ValueKind, hookimpl

@hookimpl
def register_dimensions():
    return [Dimension("{key}", "A", "profile", ValueKind.TEXT, PropertyValue("{key}"))]
"""


def write_wheel(
    folder: Path, name: str, *, version: str = "1.0", requires: tuple[str, ...] = (), plugin: bool = True
) -> Path:
    """Write a wheel whose plugin brings the dimension of its module's name; with `plugin` false, it brings none."""
    module = name.replace("-", "_")
    folder.mkdir(exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        f"{module}/__init__.py": DIMENSION.format(key=module),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if plugin:
        files[f"{info}/entry_points.txt"] = f"[muster]\n{name} = {module}\n"
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with ZipFile(wheel, "w") as opened:
        for path, text in files.items():
            opened.writestr(path, text)
    return wheel
