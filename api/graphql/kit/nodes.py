"""Objects with global IDs, whose types register by name: no topic of the graph imports another for its types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import strawberry
from strawberry import LazyType

from api.graphql.kit import global_ids
from api.graphql.kit.connection import Connection
from api.graphql.kit.context import Context
from api.graphql.kit.global_ids import GlobalId
from domain.kit.db import Transaction

N = TypeVar("N", bound="Node")

# Filled while the topics are imported, and only read afterwards.
_TYPES: dict[str, type["Node"]] = {}


@strawberry.interface(description="An object with a globally unique, opaque ID.")
class Node:
    """A type that declares its `row` and `rows_by_key` can be made, named and loaded from anywhere in the graph."""

    id: strawberry.ID

    key_type: ClassVar[type] = UUID

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        _TYPES[cls.__name__] = cls

    @classmethod
    async def rows_by_key(cls, tx: Transaction, store_id: int, keys: list[Any]) -> Mapping[Any, Any]:  # noqa: ARG003
        """Return the store's rows that the keys name. A type whose objects are not looked up by ID has none."""
        return {}

    @classmethod
    def key_of(cls, row: Any) -> Any:
        return row.id

    @classmethod
    def recorded(cls, row: Any) -> Mapping[str, object] | None:  # noqa: ARG003
        """Return what the audit log records of an object: nothing that identifies a person, and no secret."""
        return None

    @classmethod
    async def load_row(cls, context: Context, key: Any) -> Any:
        """Return the row, or None: one statement for all the keys of a type that are wanted at a time."""
        return await context.load_optional(cls.rows_by_key, key) if isinstance(key, cls.key_type) else None


@dataclass(frozen=True)
class _NamedType(LazyType[Any, Any]):
    def resolve_type(self) -> type[Any]:
        return _TYPES[self.type_name]


def named(type_name: str) -> Any:
    """Return the type as `strawberry.field(graphql_type=...)` takes it: `named("Segment") | None`."""
    return _NamedType(type_name, __name__)


def list_of(type_name: str) -> Any:
    """Return a list of the named type, as `graphql_type` takes it."""
    return list[named(type_name)]  # type: ignore[misc]  # no static type: it is looked up when the schema is built


def connection_of(type_name: str) -> Any:
    """Return a connection to the named type, as `graphql_type` takes it."""
    return Connection[named(type_name)]  # type: ignore[misc]  # as above


def node(type_name: str, row: Any) -> Node:
    """Return the row as an object of the type."""
    return _TYPES[type_name](row=row)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # each type has one


def optional_node(type_name: str, row: Any) -> Node | None:
    return None if row is None else node(type_name, row)


def type_of(node: Node) -> tuple[type[Node], Any]:
    """Return an object's type and its row."""
    any_node: Any = node  # each type has a row
    return type(node), any_node.row


async def recorded(tx: Transaction, store_id: int, gid: GlobalId) -> Mapping[str, object] | None:
    """Return what the audit log records of the object that an ID names; None when there is none, or nothing of it."""
    type_ = _TYPES.get(gid.type)
    # What records nothing is not read.
    if type_ is None or getattr(type_.recorded, "__func__", None) is getattr(Node.recorded, "__func__", None):
        return None
    if not isinstance(gid.key, type_.key_type):
        return None
    row = (await type_.rows_by_key(tx, store_id, [gid.key])).get(gid.key)
    return None if row is None else type_.recorded(row)


async def load_row(context: Context, type_name: str, key: Any) -> Any:
    """Return the row of the store's object of that type and key, or None."""
    return await _TYPES[type_name].load_row(context, key)


async def load_node(context: Context, type_name: str, key: Any) -> Node | None:
    """Return the store's object of that type and key, or None."""
    return optional_node(type_name, await load_row(context, type_name, key))


async def find_node(context: Context, gid: str) -> Node | None:
    """Return the store's object with that ID, or None."""
    global_id = global_ids.decode(gid, *_TYPES)
    return None if global_id is None else await load_node(context, global_id.type, global_id.key)


async def find_node_of(context: Context, type_: type[N], gid: str) -> N | None:
    """Return the store's object with that ID, or None when there is none of that type."""
    global_id = global_ids.decode(gid, type_.__name__)
    row = None if global_id is None else await type_.load_row(context, global_id.key)
    make: Any = type_  # each type has a row
    return None if row is None else make(row=row)
