"""Ready segments to start from."""

from collections.abc import Iterator

import strawberry

from api.graphql.kit.context import Info, allow
from api.graphql.kit.fields import derived
from api.graphql.segments.filters import Filter, exclude_of, include_of
from api.graphql.segments.inputs import desk_of
from domain.kit.errors import DomainError
from domain.segments import presets
from domain.segments.filters import Definition
from domain.segments.validation import FilterContext, read_query
from domain.stores.model import TokenScope


@strawberry.type(
    description="A segment that others have found useful: give its query to segmentCreate, as it is or changed."
)
class SegmentPreset:
    of: strawberry.Private[presets.Preset]
    definition: strawberry.Private[Definition]

    key: str = derived(lambda self: self.of.key)
    group: str = derived(lambda self: self.of.group, description='"shopline", "smart_rfim", "lifecycle", "rfm".')
    name: str = derived(lambda self: self.of.name)
    description: str = derived(lambda self: self.of.description)
    query: str = derived(lambda self: self.of.query)
    include: Filter | None = derived(lambda self: include_of(self.definition))
    exclude: Filter | None = derived(lambda self: exclude_of(self.definition))


@strawberry.type
class PresetQuery:
    @strawberry.field(description="Those that the store has the channels for.")
    async def segment_presets(self, info: Info) -> list[SegmentPreset]:
        return list(_readable(await desk_of(allow(info, TokenScope.READ))))


def _readable(desk: FilterContext) -> Iterator[SegmentPreset]:
    for preset in presets.PRESETS:
        try:
            definition = read_query(desk, preset.query)
        except DomainError:
            continue
        yield SegmentPreset(of=preset, definition=definition)
