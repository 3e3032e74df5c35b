"""Tags, by whom they were set, and the segments that customers came into and went out of."""

from domain.customers.tables import customer_tags
from domain.kit.values import ValueType
from domain.segments.catalogue.builders import Group, attribute
from domain.segments.catalogue.entries import Behavior
from domain.segments.catalogue.event_behaviors import Happenings
from domain.segments.sql.behaviors.tags import OfTag, Taggings
from domain.segments.sql.columns.values import TextColumn
from domain.segments.sql.dimensions.child_rows import Beside, Counted, Kept
from domain.segments.sql.dimensions.customer import Tagged
from domain.segments.sql.predicates import Spread

_t = customer_tags.c
_tags = Group("tags")


def _set_by(source: str) -> Beside:
    kept = Kept(_t.customer_id, lambda _: (_t.source == source,), Spread.TAG)
    return Beside(kept, TextColumn(_t.tag))


TAGS = (
    _tags.text("tag", "Tag", Tagged(), 32),
    _tags.text("tag.manual", "Tag set by hand", _set_by("manual"), 33),
    _tags.text("tag.import", "Tag set by an import", _set_by("import"), 33),
    _tags.text("tag.form", "Tag set by a form", _set_by("form"), 34),
    _tags.text("tag.shop", "Tag set by the shop", _set_by("shop"), 35),
    _tags.number("tag_count", "Number of tags", Counted(Kept(_t.customer_id)), 36),
)

_ADDED = (
    attribute(("tag", "Tag"), ValueType.STRING, OfTag(_t.tag), 37),
    attribute(("source", "Set by"), ValueType.STRING, OfTag(_t.source)),
)
_tagging = Happenings("tags", {"tag": (37,), "segment": (39,)})
TAGGING: tuple[Behavior, ...] = (
    Behavior("tag.added", "Tag added", "tags", _ADDED, Taggings(), rules=(37,)),
    _tagging.of("tag.removed", "Tag removed", 37),
    _tagging.of("segment.entered", "Entered a segment", 39),
    _tagging.of("segment.left", "Left a segment", 39),
)
