"""Entries of the audit log about mutations: what was asked, and what it changed; nothing that identifies a person."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from api.audit_trail import actor_of
from api.graphql.kit import global_ids
from api.graphql.kit.context import Context
from api.graphql.kit.json_types import is_array, is_object
from api.graphql.kit.nodes import Node, recorded, type_of
from api.graphql.kit.upload import Upload
from domain.audit.model import HIDDEN, AuditEntry, AuditOutcome, AuditSubject, Values, bounded, difference
from domain.kit.db import Transaction

_LONGEST_TEXT = 200
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Observed:
    """The object that a mutation is about, and what is recorded of it: None when it is not there."""

    subject: AuditSubject
    values: Values | None = None


# Reads it in the mutation's transaction, before the change and after it; takes the mutation's arguments.
Observe = Callable[[Context, Transaction, Mapping[str, Any]], Awaitable[Observed]]


@dataclass(frozen=True, slots=True)
class Audited:
    """The way in which a mutation's calls are recorded; `shown` are arguments whose texts are names of the store's."""

    action: str
    parameters: Mapping[str, inspect.Parameter]
    observe: Observe | None
    shown: frozenset[str]

    @classmethod
    def of(
        cls, name: str, parameters: list[inspect.Parameter], observe: Observe | None, shown: tuple[str, ...]
    ) -> "Audited":
        by_name = {parameter.name: parameter for parameter in parameters}
        return cls(to_camel_case(name), by_name, observe, frozenset(shown))

    async def observed(self, context: Context, tx: Transaction, arguments: Mapping[str, Any]) -> Observed | None:
        """Return the object that the arguments name, as it is now; None when they name none."""
        if self.observe is not None:
            return await self.observe(context, tx, arguments)
        gid = self._global_id(arguments)
        if gid is None:
            return None
        return Observed(subject_of(gid.type, gid.key), await recorded(tx, context.store_id, gid))

    def answered(self, arguments: Mapping[str, Any], answer: object) -> Observed | None:
        """Return the answer's first object when it is what the call is about: the one named, or one that is new."""
        objects = [value for value in vars(answer).values() if isinstance(value, Node)]
        if not objects or self.observe is not None:
            return None
        gid, first = self._global_id(arguments), _observed(objects[0])
        return first if gid is None or gid.type == first.subject.type else None

    def done(
        self,
        context: Context,
        arguments: Mapping[str, Any],
        before: Observed | None,
        after: Observed | None,
        answer: object,
    ) -> AuditEntry:
        """Return the entry of a call that was answered; a copy has nothing that it was before."""
        values: dict[str, object] = vars(answer)
        if before is not None and after is not None and before.subject != after.subject:
            before = None
        was, is_now = difference(None if before is None else before.values, None if after is None else after.values)
        results = {name: value for name, value in values.items() if isinstance(value, int)}
        if results:
            is_now = {**(is_now or {}), **{to_camel_case(name): value for name, value in results.items()}}
        return AuditEntry(
            actor_of(context.principal, context.address),
            self.action,
            subject=None if after is None else after.subject,
            asked=self._asked(arguments, shown=self.shown),
            before=was,
            after=is_now,
        )

    def refused(self, context: Context, arguments: Mapping[str, Any], codes: tuple[str, ...]) -> AuditEntry:
        """Return the entry of a call that was refused: its texts are whatever the caller has sent."""
        gid = self._global_id(arguments)
        return AuditEntry(
            actor_of(context.principal, context.address),
            self.action,
            AuditOutcome.REFUSED,
            None if gid is None else subject_of(gid.type, gid.key),
            self._asked(arguments, shown=frozenset()),
            codes=codes,
        )

    def _global_id(self, arguments: Mapping[str, Any]) -> global_ids.GlobalId | None:
        """Return the first argument that is the ID of an object."""
        for name, parameter in self.parameters.items():
            value = arguments.get(name)
            if parameter.annotation is strawberry.ID and isinstance(value, str):
                return global_ids.decode(value)
        return None

    def _asked(self, arguments: Mapping[str, Any], *, shown: frozenset[str]) -> Values:
        asked: dict[str, object] = {}
        for name, value in arguments.items():
            if value is not None and value is not strawberry.UNSET:
                asked[to_camel_case(name)] = _shown(value) if name in shown else self._described(name, value)
        return bounded(asked) or {}

    def _described(self, name: str, value: object) -> object:
        """Return what identifies nobody: numbers, choices, times, IDs, how many there are, which fields are given."""
        match value:
            case str() if self.parameters[name].annotation is strawberry.ID and global_ids.decode(value) is not None:
                return value
            case Enum():
                return value.name
            case bool() | int() | float():
                return value
            case Decimal():
                return str(value)
            case date():
                return value.isoformat()
            case _:
                return _outlined(value)


def subject_of(type_name: str, key: global_ids.Key | str) -> AuditSubject:
    return AuditSubject(type_name, f"{key[0]}.{key[1]}" if isinstance(key, tuple) else str(key))


def _outlined(value: object) -> object:
    """Return how large the value is, or which fields it has."""
    if isinstance(value, Upload):
        return {"bytes": value.size}
    if is_array(value):
        return {"count": len(value)}
    if is_object(value):
        return {"fields": [key for key in value if key.isidentifier()][:_MOST_NAMES]}
    if is_dataclass(value):
        return {"fields": [to_camel_case(field.name) for field in fields(value) if _given(value, field.name)]}
    return HIDDEN


def _observed(node: Node) -> Observed:
    type_, row = type_of(node)
    return Observed(subject_of(type_.__name__, type_.key_of(row)), type_.recorded(row))


def _given(value: object, name: str) -> bool:
    return getattr(value, name) not in (None, strawberry.UNSET)


def _shown(value: object) -> object:
    if isinstance(value, Enum):
        return value.name
    return [_shown(part) for part in value[:_MOST_NAMES]] if is_array(value) else str(value)[:_LONGEST_TEXT]
