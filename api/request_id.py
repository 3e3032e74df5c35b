"""The id of the request at hand: in every log line, in the answer, and for whoever records what it does."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex

from structlog.contextvars import bound_contextvars

HEADER = "X-Request-Id"

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)

_current: ContextVar[str | None] = ContextVar("muster_request_id", default=None)


def current() -> str | None:
    """Return the id of the request at hand, None outside of one."""
    return _current.get()


@contextmanager
def identified(wanted: str | None) -> Generator[str]:
    """Give what runs in the block an id, and yield it: the wanted one when it is a plain name, else a new one.

    A proxy that sends its own finds it in our log.
    """
    name = wanted if wanted is not None and _PLAIN.fullmatch(wanted) else token_hex(16)
    token = _current.set(name)
    try:
        with bound_contextvars(request_id=name):
            yield name
    finally:
        _current.reset(token)
