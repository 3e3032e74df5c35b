"""The query language: text to a definition and back, exactly."""

from domain.segments.language.query_parser import read
from domain.segments.language.query_printer import write

__all__ = ["read", "write"]
