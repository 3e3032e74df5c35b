"""The guard names the test that leaves something open, and no other."""

import pytest

from tests.leaks import LeakGuard

TESTS = """
import socket
import threading
from sqlalchemy import text
from domain.kit.db import Database

close = []

async def test_of_a_connection(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/x.db")
    async with database.read() as tx:
        await tx.execute(text("SELECT 1"))
    close.append(database.close)

def test_of_a_thread():
    event = threading.Event()
    threading.Thread(target=event.wait, name="loiterer", daemon=True).start()
    close.append(event.set)

def test_of_a_socket():
    close.append(socket.socket().close)

async def test_that_comes_after_them():
    connection, thread, opened = close
    await connection()
    thread()
    opened()
"""


def test_what_is_left_open_fails_the_test_that_opened_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    guard = LeakGuard(grace_seconds=0.1)
    options = ("-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    result = pytester.runpytest_inprocess(*options, plugins=[guard])
    guard.close()
    result.assert_outcomes(passed=4, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_of_a_connection*",
            "the test leaves open: a connection of domain.kit.db.sqlite*",
            "*ERROR at teardown of test_of_a_thread*",
            "the test leaves open: the thread loiterer*",
            "*ERROR at teardown of test_of_a_socket*",
            "the test leaves open: socket:*",
        ]
    )
