"""A service that is missing leaves tests out, and the run says so."""

import pytest

from tests.cluster import programs
from tests.services import Service

NOWHERE = Service("Redis", "MUSTER_TEST_NOWHERE_URL", "redis://127.0.0.1:1")

TESTS = """
import pytest
from tests.cluster import programs
from tests.test_services import NOWHERE

@pytest.mark.parametrize("number", [1, 2])
def test_of_it(number):
    NOWHERE.require(required=False)

def test_of_several_machines():
    programs.require("no-such-program", required=False)

def test_of_something_else():
    pytest.skip("Redis is not what this is about")
"""


def test_where_it_is_required_the_test_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"Redis does not answer at 127\.0\.0\.1:1"):
        NOWHERE.require(required=True)
    with pytest.raises(pytest.fail.Exception, match="without no-such-program"):
        programs.require("sh", "no-such-program", required=True)


def test_elsewhere_the_run_says_how_many_tests_it_left_out(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import pytest_terminal_summary as pytest_terminal_summary")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(
        [
            "*services that are missing*",
            "2 tests left out: Redis does not answer at 127.0.0.1:1 *; MUSTER_TEST_NOWHERE_URL says where it is",
            "1 tests left out: Several machines cannot be played here without no-such-program",
        ]
    )
    result.stdout.no_fnmatch_line("*tests left out: Redis is not*")
