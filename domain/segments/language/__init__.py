"""The query language: text becomes a definition, and a definition that text again."""

from domain.segments.language.query_parser import read
from domain.segments.language.query_printer import write

__all__ = ["read", "write"]
