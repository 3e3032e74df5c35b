"""`make check` and `make test` try the same examples at every run."""

from pathlib import Path

import pytest
from hypothesis import settings

MAKEFILE = (Path(__file__).parents[1] / "Makefile").read_text()


@pytest.mark.parametrize(("profile", "random"), [("check", False), ("test", False), ("explore", True)])
def test_only_exploring_is_random(profile: str, random: bool) -> None:
    chosen = settings.get_profile(profile)
    assert (chosen.derandomize, chosen.database is None, chosen.deadline) == (not random, not random, None)
    recipe = MAKEFILE.split(f"\n{profile}: ")[1].split("\n\n")[0]
    assert f"--hypothesis-profile={profile}" in recipe
