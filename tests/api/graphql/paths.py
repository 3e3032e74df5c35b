"""Every way through the schema: from a field of a root to each field of each type that it leads to."""

# graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

# What the fields below the roots have to be given; the names are those of a furnished store's objects.
ARGUMENTS: Mapping[str, str] = {"CustomerList.difference": 'from: "$list"'}


@dataclass(frozen=True, slots=True)
class Path:
    """The fields from a root's on, by their types and names, and what is selected below the root's."""

    coordinates: tuple[str, ...]
    steps: tuple[str, ...] = ()
    leads_to_objects: bool = False

    @property
    def root(self) -> str:
        return self.coordinates[0]

    @property
    def selection(self) -> str:
        text = "{ __typename }" if self.leads_to_objects else ""
        for step in reversed(self.steps):
            text = f"{{ {step} {text} }}"
        return text

    @property
    def node_type(self) -> str | None:
        """The type whose object `node` has to be asked for."""
        return next((step.removeprefix("... on ") for step in self.steps if step.startswith("... on ")), None)


def paths(schema: GraphQLSchema, roots: Sequence[str], *, types: int | None = None) -> Iterator[Path]:
    """Yield a shortest path to each field of each type that the fields of the roots lead to.

    Each type is gone through once, from the first field that leads to it: as many types deep as is said.
    """
    pending: deque[tuple[GraphQLNamedType, Path]] = deque()
    for root in roots:
        type_name, name = root.split(".")
        type_ = schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        result = get_named_type(type_.fields[name].type)
        path = Path((root,), leads_to_objects=not is_leaf_type(result))
        yield path
        pending.append((result, path))
    visited: set[str] = set()
    while pending:
        type_, path = pending.popleft()
        deep = len(path.coordinates)
        if type_.name in visited or is_leaf_type(type_) or (types is not None and deep > types):
            continue
        visited.add(type_.name)
        if isinstance(type_, GraphQLInterfaceType):
            for possible in schema.get_possible_types(type_):
                pending.append((possible, Path(path.coordinates, (*path.steps, f"... on {possible.name}"), True)))
        assert isinstance(type_, GraphQLObjectType | GraphQLInterfaceType)
        for name, field in type_.fields.items():
            result = get_named_type(field.type)
            coordinate = f"{type_.name}.{name}"
            step = name + _arguments(coordinate, field)
            further = Path((*path.coordinates, coordinate), (*path.steps, step), not is_leaf_type(result))
            yield further
            pending.append((result, further))


def _arguments(coordinate: str, field: GraphQLField) -> str:
    if not any(is_required_argument(argument) for argument in field.args.values()):
        return ""
    return f"({ARGUMENTS[coordinate]})"
