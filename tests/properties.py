"""The examples that properties are tried with: always the same ones, but for those of `make explore`."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase

_PERCENT = {"check": 40, "test": 100, "explore": 1_000}


def register_profiles() -> None:
    """Make the profiles of `--hypothesis-profile`, and use `check` unless another is asked for."""
    for name, percent in _PERCENT.items():
        random = name == "explore"
        settings.register_profile(
            name,
            max_examples=percent,
            derandomize=not random,
            # What random search has found is tried first when it is run again.
            database=DirectoryBasedExampleDatabase(".hypothesis/examples") if random else None,
            print_blob=random,
            # How busy the machine is must not change what is found.
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
    settings.load_profile("check")


def examples(count: int, *, shrink: bool = True) -> settings:
    """Try a property with so many examples in `make test`; do not shrink those that build on each other."""
    phases = list(Phase) if shrink else [Phase.explicit, Phase.reuse, Phase.generate]
    percent = settings.get_profile(settings.get_current_profile_name()).max_examples
    return settings(max_examples=max(1, count * percent // 100), phases=phases)
