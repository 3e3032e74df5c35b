"""Logs hold no personal data, at whatever level."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from api.logging import configure


@pytest.fixture
def levels() -> Iterator[None]:
    """What other tests log is as it was."""
    root, ours = logging.getLogger(), structlog.get_config()
    loggers = [logger for logger in root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    before = {logger: logger.level for logger in (root, *loggers)}
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    for logger in (root, *root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.setLevel(before.get(logger, logging.NOTSET))
    structlog.configure(**ours)


@pytest.mark.parametrize("name", ["aiosqlite", "python_multipart.multipart", "websockets.server", "sqlalchemy.engine"])
def test_other_packages_never_log_what_they_are_at(levels: None, name: str) -> None:
    """At DEBUG they show statements with their values, forms and frames (S10)."""
    configure("json", "debug")
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    assert logging.getLogger("api.http").isEnabledFor(logging.DEBUG)


def test_a_higher_level_holds_for_all(levels: None) -> None:
    configure("json", "error")
    for name in ("aiosqlite", "api.http", "uvicorn.error"):
        assert not logging.getLogger(name).isEnabledFor(logging.WARNING)
        assert logging.getLogger(name).isEnabledFor(logging.ERROR)


def test_a_client_that_breaks_the_protocol_is_logged_without_a_traceback(
    levels: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback names the server's files, for what is no fault of its own (S10)."""
    configure("json", "info")
    # A server that another test has run may have left its loggers apart from ours.
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "propagate", True)
    monkeypatch.setattr(logging.getLogger("uvicorn.error"), "disabled", False)
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        logging.getLogger("uvicorn.error").exception("Invalid UTF-8 sequence received from client.")
    line = json.loads(capfd.readouterr().err)
    assert line["level"] == "warning"
    assert "exception" not in line
