"""The contract finds each fault that is planted into a channel, by the test that is about it."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.plugins.sdk.planted import FAULTS, class_of

ROOT = Path(__file__).parents[3]
# One process runs them for all of this module's tests.
pytestmark = [pytest.mark.xdist_group("planted faults"), pytest.mark.slow]
Failures = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> Failures:
    """Return the failed tests of each fault's class, with what they say."""
    folder = tmp_path_factory.mktemp("planted")
    names = [class_of(fault) for fault in FAULTS]
    found: Failures = {name: {} for name in names}
    # A half of them on each of two processors.
    with ThreadPoolExecutor(2) as threads:
        for part in threads.map(_failures, [names[::2], names[1::2]], [folder / "even.xml", folder / "odd.xml"]):
            for name, test, message in part:
                found[name][test] = message
    return found


def _failures(names: Sequence[str], written: Path) -> list[tuple[str, str, str]]:
    planted = "tests/plugins/sdk/planted.py"
    options = ["-q", "--tb=line", "--noconftest", "--import-mode=importlib", "-c", "/dev/null", "--rootdir", str(ROOT)]
    options += ["-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={written}"]
    command = [sys.executable, "-m", "pytest", *options, *(f"{planted}::{name}" for name in names)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 1, ran.stdout[-2_000:] + ran.stderr[-2_000:]
    return [
        (
            case.attrib["classname"].rpartition(".")[2],
            case.attrib["name"].partition("[")[0],
            failure.attrib["message"],
        )
        for case in ET.parse(written).iter("testcase")
        if (failure := case.find("failure")) is not None
    ]


def test_each_planted_fault_is_found_by_the_test_that_is_about_it(failures: Failures) -> None:
    found = {fault: failures[class_of(fault)] for fault in FAULTS}
    missed = {fault: sorted(found[fault]) for fault, (_, expected) in FAULTS.items() if expected not in found[fault]}
    assert missed == {}
    messages = {fault: found[fault][expected] for fault, (_, expected) in FAULTS.items()}
    wrong = {fault: message for fault, message in messages.items() if not message.startswith("Failed: ")}
    assert wrong == {}, "a message says what is wrong, and is no error of the test"
    # Their authors see at once what they are: a fault of one rule fails few tests.
    assert sum(len(tests) <= 4 for tests in failures.values()) >= len(FAULTS) * 3 // 4
