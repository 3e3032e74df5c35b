"""Grades are written by whole runs of the contract alone, and taken away by runs that fail."""

import json
from pathlib import Path

import pytest
from muster_sdk import Grade
from muster_sdk.grades import GRADE_FILE, GradeRecord, read_grades, write_grade

from tests.plugins.sdk.test_wheel import INI, POST, TESTS

pytestmark = pytest.mark.slow


@pytest.fixture
def post(pytester: pytest.Pytester) -> pytest.Pytester:
    """Lay out the post's channel and its tests."""
    pytester.makepyfile(post=POST, test_post=TESTS)
    (pytester.path / "pytest.ini").write_text("\n".join(line.strip() for line in INI.splitlines()))
    return pytester


def written(post: pytest.Pytester) -> dict[str, GradeRecord]:
    return read_grades(post.path / GRADE_FILE)


def test_runs_that_are_whole_write_and_take_away_the_grade(post: pytest.Pytester) -> None:
    arguments = ["-q", "-p", "no:cacheprovider", "test_post.py::TestPost"]
    other = GradeRecord(Grade.GOLD, "7", "0.1.0", "2026-01-01")
    write_grade(post.path / GRADE_FILE, "telegraph", other)
    post.runpytest_subprocess(*arguments, "-k", "names").stdout.fnmatch_lines(["post: not graded, *"])
    assert written(post) == {"telegraph": other}
    ran = post.runpytest_subprocess(*arguments)
    assert ran.ret == 0
    ran.stdout.fnmatch_lines(["post 0.1: BRONZE", "*the next grade asks for a connection check"])
    assert (written(post)["post"].grade, written(post)["post"].version) == (Grade.BRONZE, "0.1")
    # The same channel, of which one test is changed: then nothing is known.
    changed = "\n    def test_nothing_is_left_open(self):\n        pass\n"
    tests = (post.path / "test_post.py").read_text()
    (post.path / "test_post.py").write_text(
        tests.replace("\n    def good_settings", f"{changed}\n    def good_settings")
    )
    post.runpytest_subprocess(*arguments).stdout.fnmatch_lines(["post 0.1: no grade", "*test_nothing_is_left_open*"])
    assert written(post) == {"telegraph": other}


def test_a_grade_below_the_least_one_fails(post: pytest.Pytester) -> None:
    tests = (post.path / "test_post.py").read_text()
    line = "    provider = PostOffice\n"
    (post.path / "test_post.py").write_text(
        f"from muster_sdk import Grade\n{tests}".replace(line, f"{line}    least_grade = Grade.SILVER\n")
    )
    ran = post.runpytest_subprocess("-q", "-p", "no:cacheprovider", "test_post.py::TestPost")
    assert ran.ret == 1
    ran.stdout.fnmatch_lines(["The channel reaches BRONZE: SILVER is asked for. It needs *a connection check*"])


def test_the_file_goes_with_its_last_grade(tmp_path: Path) -> None:
    path = tmp_path / GRADE_FILE
    record = GradeRecord(Grade.SILVER, "1.0", "0.1.0", "2026-11-27")
    write_grade(path, "pigeon", record)
    assert json.loads(path.read_text())["pigeon"]["grade"] == "SILVER"
    write_grade(path, "pigeon", None)
    assert not path.exists()
    write_grade(path, "pigeon", None)
