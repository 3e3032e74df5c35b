"""One line a request and a job, for people or for machines, without personal data."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

# They tell of each connection and message at INFO: our own lines say it once.
_TALKATIVE = ("dramatiq", "uvicorn.access", "uvicorn.error", "alembic", "sqlalchemy.engine")


def configure(form: Literal["auto", "console", "json"], level: str) -> None:
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *([] if console else [structlog.processors.format_exc_info]),
        # Never the tracebacks that show variables: those hold customers.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name], processors=render
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    # Each failed connection is a dozen lines of its own; ours says it in one.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
