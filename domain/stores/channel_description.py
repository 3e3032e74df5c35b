"""A channel as the host knows it: its name, abilities and schemas, without its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from muster_sdk import AddressKind, Capabilities, Grade


@dataclass(frozen=True, slots=True)
class ChannelDescription:
    """`secrets` are the settings, by alias, that are sealed and never shown.

    `grade` is what its author's tests have shown of this very version.
    """

    key: str
    label: str
    version: str
    address: AddressKind
    capabilities: Capabilities
    settings_schema: Mapping[str, Any]
    content_schema: Mapping[str, Any]
    secrets: frozenset[str] = frozenset()
    grade: Grade | None = None
