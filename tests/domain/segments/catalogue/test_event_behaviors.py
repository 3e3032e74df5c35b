"""What segments ask of events is what events are checked for and kept by."""

from domain.events.types import kind_of
from domain.segments.catalogue import catalogue
from domain.segments.sql.behaviors.event_fields import Subject
from domain.segments.sql.behaviors.events import Said


def test_behaviors_name_what_events_have() -> None:
    wrong: list[str] = []
    for behavior in catalogue(channels={"email": "E-mail"}).behaviors.values():
        kind = kind_of(behavior.key)
        for attribute in behavior.attributes:
            place = f"{behavior.key}.{attribute.key}"
            if isinstance(attribute.trait, Subject) and kind.subject != attribute.key:
                wrong.append(f"{place}: the subject is {kind.subject}")
            if isinstance(attribute.trait, Said) and kind.attributes.get(attribute.key) is not attribute.type:
                wrong.append(f"{place}: {kind.attributes.get(attribute.key)}")
    assert wrong == []
