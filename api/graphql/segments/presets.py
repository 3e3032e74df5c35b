"""Ready segments to start from."""

from contextlib import suppress

import strawberry

from api.graphql.kit.context import Info
from api.graphql.kit.fields import derived
from api.graphql.segments.filters import Filter, exclude_of, include_of
from api.graphql.segments.inputs import filter_context_of
from domain.kit.errors import DomainError
from domain.segments import presets
from domain.segments.filters import Definition
from domain.segments.validation import read_query


@strawberry.type(description="A ready segment: pass its query, as it is or changed, to segmentCreate.")
class SegmentPreset:
    preset: strawberry.Private[presets.Preset]
    definition: strawberry.Private[Definition]

    key: str = derived(lambda self: self.preset.key)
    group: str = derived(lambda self: self.preset.group, description='"shopline", "smart_rfim", "lifecycle", "rfm".')
    name: str = derived(lambda self: self.preset.name)
    description: str = derived(lambda self: self.preset.description)
    query: str = derived(lambda self: self.preset.query)
    include: Filter | None = derived(lambda self: include_of(self.definition))
    exclude: Filter | None = derived(lambda self: exclude_of(self.definition))


@strawberry.type
class PresetQuery:
    @strawberry.field(description="The presets for whose channels the store has a plugin.")
    async def segment_presets(self, info: Info) -> list[SegmentPreset]:
        filter_context = await filter_context_of(info.context)
        readable: list[SegmentPreset] = []
        for preset in presets.PRESETS:
            with suppress(DomainError):
                readable.append(SegmentPreset(preset=preset, definition=read_query(filter_context, preset.query)))
        return readable
