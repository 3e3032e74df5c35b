"""Our packages have plain names: nobody else may claim them."""

from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["api", "channels", "domain", "plugins"])
def test_the_name_is_this_tree_and_of_no_other_distribution(name: str) -> None:
    module = import_module(name)
    assert module.__file__ == str(ROOT / name / "__init__.py")
    assert set(packages_distributions().get(name, ["muster"])) == {"muster"}


def test_channels_is_a_docstring_and_nothing_else() -> None:
    public = [name for name in vars(import_module("channels")) if not name.startswith("__")]
    assert [name for name in public if name not in {path.name for path in (ROOT / "channels").iterdir()}] == []
