"""Plugins as packages bring them: real distributions on the import path, good and broken."""

import json
from pathlib import Path

import pytest
from muster_sdk import Grade
from muster_sdk.grades import GRADE_FILE

from plugins.contributions import Fault
from tests.plugins.conftest import Install, find_plugins

GOOD = """
    @hookimpl
    def register_channels():
        return [Pigeon()]
"""


def test_a_strangers_channel_stands_beside_the_built_in_one(install: Install) -> None:
    install("pigeon-post", GOOD)
    plugins = find_plugins()
    assert plugins.faults == ()
    assert (plugins.channels["pigeon"].package, plugins.channels["pigeon"].version) == ("pigeon-post", "0.3")
    assert plugins.channels["email"].package == "muster"


BROKEN = {
    "an import that fails": ("import no_such_module", "no_such_module"),
    "an import that ends the process": ("raise SystemExit(3)", "SystemExit"),
    "a misspelt hook": ("@hookimpl\ndef register_channel():\n    return [Pigeon()]", "register_channel"),
    "a wrong signature": ("@hookimpl\ndef register_channels(stores):\n    return [Pigeon()]", "stores"),
    "a hook that raises": ("@hookimpl\ndef register_channels():\n    raise OSError('no loft')", "OSError: no loft"),
    "a hook that ends the process": ("@hookimpl\ndef register_channels():\n    raise SystemExit(3)", "SystemExit"),
    "a hook that answers nothing": ("@hookimpl\ndef register_channels():\n    pass", "NoneType"),
    "a hook that answers one channel": ("@hookimpl\ndef register_channels():\n    return Pigeon()", "not iterable"),
    "no hook": ("def register_channels():\n    return [Pigeon()]", "none of Muster's hooks"),
    "not a channel": ("@hookimpl\ndef register_channels():\n    return ['pigeon']", "str has no key"),
    "a key in capitals": ("@hookimpl\ndef register_channels():\n    return [Pigeon(key='PIGEON')]", "lower-case"),
    "an address of no kind": ("@hookimpl\ndef register_channels():\n    return [Pigeon(address='x')]", "address"),
    "settings of no model": ("@hookimpl\ndef register_channels():\n    return [Pigeon(settings=dict)]", "settings"),
    "a channel that raises when it is looked at": (
        "class Shy:\n    key = property(lambda self: 1 / 0)\n\n@hookimpl\ndef register_channels():\n    return [Shy()]",
        "ZeroDivisionError",
    ),
    "an error that cannot be told": (
        "class Mute(Exception):\n    def __str__(self):\n        raise OSError\n\nraise Mute",
        "Mute",
    ),
    "nothing to connect by": (
        "class Lame(Pigeon):\n    connect = None\n\n@hookimpl\ndef register_channels():\n    return [Lame()]",
        "cannot connect",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_named_and_the_others_stay(install: Install, what: str) -> None:
    code, reason = BROKEN[what]
    install("broken", f"\n{code}\n")
    install("pigeon-post", GOOD)
    plugins = find_plugins()
    assert set(plugins.channels) == {"email", "pigeon"}
    (fault,) = plugins.faults
    assert (fault.plugin, fault.package, fault.version) == ("broken", "broken", "0.3")
    assert reason in fault.reason


@pytest.mark.parametrize("written", [b"[console_scripts]\nno value\n", b"\xff\xfe[muster]"])
def test_files_of_any_package_that_cannot_be_read_stop_nobody(install: Install, tmp_path: Path, written: bytes) -> None:
    install("half", GOOD)
    (tmp_path / "half-0.3.dist-info" / "entry_points.txt").write_bytes(written)
    install("pigeon-post", GOOD)
    plugins = find_plugins()
    assert set(plugins.channels) == {"email", "pigeon"}
    (fault,) = plugins.faults
    assert (fault.plugin, fault.package) == ("half", "half")
    assert fault.reason.startswith("its entry points cannot be read")


def test_a_package_without_a_name_is_unknown(install: Install, tmp_path: Path) -> None:
    install("half", GOOD)
    (tmp_path / "half-0.3.dist-info" / "METADATA").write_bytes(b"")
    assert (find_plugins().channels["pigeon"].package, find_plugins().channels["pigeon"].version) == (
        "unknown",
        "unknown",
    )


def test_a_key_that_is_taken_stays_with_whom_it_has(install: Install) -> None:
    install("a-first", GOOD)
    install("b-second", GOOD)
    install("c-thief", "\n@hookimpl\ndef register_channels():\n    return [Pigeon(key='email'), Pigeon(key='c')]\n")
    plugins = find_plugins()
    assert {key: plugins.channels[key].package for key in ("email", "pigeon", "c")} == {
        "email": "muster",
        "pigeon": "a-first",
        "c": "c-thief",
    }
    assert plugins.faults == (
        Fault("b-second", "b-second", "0.3", "the channel 'pigeon' is there already, from a-first"),
        Fault("c-thief", "c-thief", "0.3", "the channel 'email' is there already, from muster"),
    )


def test_a_blocked_plugin_is_not_even_imported(install: Install) -> None:
    install("pigeon-post", "\nraise AssertionError('imported')\n", entry_point="pigeon")
    plugins = find_plugins("pigeon")
    assert set(plugins.channels) == {"email"}
    assert plugins.faults == ()


def test_a_built_in_channel_can_be_blocked_too() -> None:
    assert find_plugins("email").channels == {}


ADDITIONS = """
    from muster_sdk import TemplateFilter

    class Ledger:
        key = "ledger"

        async def observe(self, notices):
            pass

    @hookimpl
    def register_observers():
        return [Ledger(), "a ledger"]

    @hookimpl
    def register_template_filters():
        return [TemplateFilter("shout", str.upper), TemplateFilter("upper", str.upper), TemplateFilter("a b", str)]
"""


def test_observers_and_filters_are_found_and_what_is_none_is_named(install: Install) -> None:
    install("additions", ADDITIONS)
    plugins = find_plugins()
    assert plugins.observers["ledger"].package == "additions"
    assert plugins.extensions.observers == ("ledger",)
    assert set(plugins.template_filters) == {"shout"}
    [fault] = plugins.faults
    assert fault.reason == (
        "str has no key of lower-case letters, digits and hyphens; the filter 'a b' has no name of lower-case letters, "
        "digits and _; the filter 'upper' is one of Muster's own"
    )


def write_grade(folder: Path, **changes: object) -> None:
    record = {"grade": "SILVER", "version": "1.0", "sdk": "0.1.0", "date": "2026-11-27", **changes}
    (folder / GRADE_FILE).write_text(json.dumps({"pigeon": record, "swift": {**record, "grade": "GOLD"}}))


def test_a_grade_is_read_beside_the_channels_module(install: Install, tmp_path: Path) -> None:
    install("pigeon-post", GOOD)
    assert find_plugins().channels["pigeon"].channel.grade is None
    write_grade(tmp_path)
    assert find_plugins().channels["pigeon"].channel.grade is Grade.SILVER


@pytest.mark.parametrize(
    "changes", [{"version": "0.9"}, {"version": None}, {"grade": "PLATINUM"}, {"grade": ["GOLD"]}, {"date": 7}]
)
def test_a_grade_of_another_version_or_of_no_sense_does_not_count(
    install: Install, tmp_path: Path, changes: dict[str, object]
) -> None:
    install("pigeon-post", GOOD)
    write_grade(tmp_path, **changes)
    assert find_plugins().channels["pigeon"].channel.grade is None


@pytest.mark.parametrize("written", [b"", b"\xff", b"[]", b'{"pigeon": 7}', b'{"pigeon": {}}', b"[" * 100_000])
def test_a_file_of_grades_that_is_none_leaves_the_channel(install: Install, tmp_path: Path, written: bytes) -> None:
    install("pigeon-post", GOOD)
    (tmp_path / GRADE_FILE).write_bytes(written)
    assert find_plugins().channels["pigeon"].channel.grade is None
    assert find_plugins().faults == ()
