"""Configures logs: one line for each request and each job, for people or for machines, without personal data."""

import logging
import sys
from typing import Literal

import structlog
from structlog.types import Processor

# They log every connection and message at INFO, which our own lines hold already.
_VERBOSE_LOGGERS = ("dramatiq", "uvicorn.access", "uvicorn.error", "alembic", "sqlalchemy.engine")

# Only these write at DEBUG: what others do there shows whole statements and forms, with the data of persons.
_OUR_PACKAGES = ("api", "channels", "domain", "plugins")


def configure(log_format: Literal["auto", "console", "json"], level: str) -> None:
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *([] if console else [structlog.processors.format_exc_info]),
        # Never rich tracebacks: they print local variables, which hold customers' data.
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
    threshold = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(handlers=[handler], level=max(logging.INFO, threshold), force=True)
    for name in _OUR_PACKAGES:
        logging.getLogger(name).setLevel(threshold)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, threshold))
    logging.getLogger("uvicorn.error").addFilter(_client_fault)
    # Its dozen lines for a failed connection repeat our one.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _client_fault(record: logging.LogRecord) -> bool:
    """Have a client that breaks the protocol be no error of the server's, and log no traceback for it."""
    if str(record.msg).startswith("Invalid UTF-8 sequence received from client"):
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = None
    return True
