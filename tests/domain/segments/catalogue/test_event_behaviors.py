"""What segments ask of events is what events are checked for and kept by."""

from domain.events.types import event_type_of
from domain.segments.catalogue import catalogue
from domain.segments.sql.behaviors.event_fields import SubjectField
from domain.segments.sql.behaviors.events import JsonField


def test_behaviors_name_what_events_have() -> None:
    wrong: list[str] = []
    for behavior in catalogue(channels={"email": "E-mail"}).behaviors.values():
        kind = event_type_of(behavior.key)
        for attribute in behavior.attributes:
            place = f"{behavior.key}.{attribute.key}"
            if isinstance(attribute.field, SubjectField) and kind.subject != attribute.key:
                wrong.append(f"{place}: the subject is {kind.subject}")
            if isinstance(attribute.field, JsonField) and kind.attributes.get(attribute.key) is not attribute.type:
                wrong.append(f"{place}: {kind.attributes.get(attribute.key)}")
    assert wrong == []
