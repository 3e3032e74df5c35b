"""Tags, by whom they were set, and the segments that customers entered and left."""

from domain.customers.tables import customer_tags
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import Group, attribute
from domain.segments.catalogue.entries import BehaviorEntry
from domain.segments.catalogue.event_behaviors import EventBehaviors
from domain.segments.sql.behaviors.tags import TagField, TaggingSource
from domain.segments.sql.columns.values import TextColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue, RowCount
from domain.segments.sql.dimensions.customer import TagSource
from domain.segments.sql.predicates import Selectivity

_t = customer_tags.c
_tags = Group("tags")


def _set_by(source: str) -> ChildValue:
    tags = ChildRows(_t.customer_id, lambda _: (_t.source == source,), Selectivity.TAG)
    return ChildValue(tags, TextColumn(_t.tag))


TAGS = (
    _tags.text("tag", "Tag", TagSource(), 32),
    _tags.text("tag.manual", "Tag set by hand", _set_by("manual"), 33),
    _tags.text("tag.import", "Tag set by an import", _set_by("import"), 33),
    _tags.text("tag.form", "Tag set by a form", _set_by("form"), 34),
    _tags.text("tag.shop", "Tag set by the shop", _set_by("shop"), 35),
    _tags.number("tag_count", "Number of tags", RowCount(ChildRows(_t.customer_id)), 36),
)

_ADDED = (
    attribute(("tag", "Tag"), ValueType.STRING, TagField(_t.tag), 37),
    attribute(("source", "Set by"), ValueType.STRING, TagField(_t.source)),
)
_tagging = EventBehaviors("tags", {"tag": (37,), "segment": (39,)})
TAGGING: tuple[BehaviorEntry, ...] = (
    BehaviorEntry("tag.added", "Tag added", "tags", _ADDED, TaggingSource(), rules=(37,)),
    _tagging.of("tag.removed", "Tag removed", 37),
    _tagging.of("segment.entered", "Entered a segment", 39),
    _tagging.of("segment.left", "Left a segment", 39),
)
