"""The query language: text to a definition and back, exactly."""

from domain.segments.language.read import read
from domain.segments.language.write import write

__all__ = ["read", "write"]
