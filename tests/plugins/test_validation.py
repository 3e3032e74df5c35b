"""Dimensions and behaviors that a package adds: asked for like ours, refused by name when they are wrong."""

from datetime import timedelta

import pytest

from domain.customers.model import PropertyDefinition
from domain.events.log import append
from domain.events.model import Event
from domain.kit.db import Database
from domain.kit.values import ValueType
from domain.segments import language
from domain.segments.catalogue import Catalogue, catalogue
from domain.segments.compiler.normal_form import FilterOutdated
from domain.segments.compiler.select import customer_ids
from domain.segments.sql.scope import FilterScope
from tests.domain.segments.stored_people import NOW, TIMEZONE, make_people, store_people
from tests.plugins.conftest import Install, find_plugins

SCHOOL = """
    from muster_sdk import (
        Behavior, Choice, Dimension, EventAttribute, EventCount, LatestEvent, PropertyValue, ValueKind,
        register_behaviors, register_dimensions
    )

    @hookimpl
    def register_dimensions():
        colours = [Choice("red", "Red"), Choice("blå", "Blue")]
        return [
            Dimension("school.colour", "Colour", "school", ValueKind.TEXT, PropertyValue("string"), colours, True),
            Dimension("school.teacher", "Teacher", "school", ValueKind.TEXT, LatestEvent("class.attended", "teacher")),
            Dimension("school.mark", "Mark", "school", ValueKind.NUMBER, LatestEvent("class.attended", "mark")),
            Dimension("school.classes", "Classes", "school", ValueKind.NUMBER, EventCount("class.attended", days=30)),
            Dimension("school.pet", "Pet", "school", ValueKind.TEXT, PropertyValue("no such property")),
        ]

    @hookimpl
    def register_behaviors():
        marks = EventAttribute("mark", "Mark", ValueKind.NUMBER)
        return [Behavior("class.attended", "Attended a class", "school", [EventAttribute("teacher", "Teacher"), marks])]
"""
PROPERTIES = [PropertyDefinition(0, 1, "string", "String", ValueType.STRING)]


@pytest.fixture
def school(install: Install) -> Catalogue:
    install("school", SCHOOL)
    plugins = find_plugins()
    assert plugins.faults == ()
    return catalogue(PROPERTIES, extensions=plugins.extensions)


def test_the_catalogue_shows_what_a_package_adds(school: Catalogue) -> None:
    added = {key: entry for key, entry in school.dimensions.items() if entry.group == "school"}
    assert added.keys() == {"school.colour", "school.teacher", "school.mark", "school.classes"}
    assert [option.label for option in added["school.colour"].options or ()] == ["Red", "Blue"]
    attended = school.behaviors["class.attended"]
    assert [(entry.key, entry.type) for entry in attended.attributes] == [
        ("teacher", ValueType.STRING),
        ("mark", ValueType.NUMBER),
    ]


async def test_segments_ask_for_what_a_package_adds(school: Catalogue, database: Database, store_id: int) -> None:
    """1 was taught by Ann, then by Bob; 2 by Ann long ago; 3 never."""
    everyone = make_people(3)
    for person, colour in zip(everyone, ("red", "blå", None), strict=True):
        person.row |= {"blacklisted": False, "deleted_at": None}
        person.properties = {} if colour is None else {"string": colour}
    events = [
        Event("e1", 1, "class.attended", NOW - timedelta(days=2), None, {"teacher": "Ann", "mark": 9}),
        Event("e2", 1, "class.attended", NOW - timedelta(days=1), None, {"teacher": "Bob", "mark": 4.5}),
        Event("e3", 2, "class.attended", NOW - timedelta(days=90), None, {"teacher": "Ann", "mark": 7}),
    ]
    async with database.write() as tx:
        await store_people(tx, store_id, everyone)
        await append(tx, store_id, events, NOW)
    expected = {
        'school.colour = "red"': {1},
        'school.colour != "red"': {2, 3},
        'school.teacher = "Ann"': {2},
        "school.teacher is not set": {3},
        "school.mark > 4": {1, 2},
        "school.mark > 4.5": {2},
        "school.classes = 2": {1},
        "school.classes < 1": {2, 3},
        'class.attended(teacher = "Ann")': {1, 2},
        "class.attended.max(mark) >= 9": {1},
    }
    async with database.read() as tx:
        for query, ids in expected.items():
            definition = language.read(query, school, TIMEZONE, property_conditions=5)
            assert language.write(definition) == query
            ids_query = customer_ids(definition, school, FilterScope(store_id, TIMEZONE, NOW, tx.dialect), {})
            assert set((await tx.execute(ids_query)).scalars()) == ids, query


def test_a_dimension_whose_package_is_gone_is_said_so(school: Catalogue) -> None:
    definition = language.read('school.teacher = "Ann"', school, TIMEZONE, property_conditions=5)
    with pytest.raises(FilterOutdated, match=r"school\.teacher, which the store no longer has"):
        customer_ids(definition, catalogue(PROPERTIES), FilterScope(1, TIMEZONE, NOW, "sqlite"), {})


WRONG = {
    "no dimension": ("dimensions", "['tier']", "str is no muster_sdk.Dimension"),
    "a key of ours": ("dimensions", "[Dimension('tier', 'T', 'g', TEXT, PropertyValue('x'))]", "one of Muster's own"),
    "a property's key": ("dimensions", "[Dimension('property.x', 'T', 'g', TEXT, PropertyValue('x'))]", "Muster's own"),
    "a key in capitals": ("dimensions", "[Dimension('Tier', 'T', 'g', TEXT, PropertyValue('x'))]", "no key of"),
    "a key twice": ("dimensions", "[Dimension('a', 'A', 'g', TEXT, PropertyValue('x'))] * 2", "'a' is there already"),
    "no kind": ("dimensions", "[Dimension('a', 'A', 'g', 'TEXT!', PropertyValue('x'))]", "no kind"),
    "no label": ("dimensions", "[Dimension('a', '', 'g', TEXT, PropertyValue('x'))]", "needs a label"),
    "nothing to read": ("dimensions", "[Dimension('a', 'A', 'g', TEXT, 'SELECT 1')]", "reads neither"),
    "a count of text": ("dimensions", "[Dimension('a', 'A', 'g', TEXT, EventCount('e'))]", "its kind is NUMBER"),
    "an event's instant": (
        "dimensions",
        "[Dimension('a', 'A', 'g', ValueKind.DATETIME, LatestEvent('e', 'at'))]",
        "as DATETIME",
    ),
    "closed to all": (
        "dimensions",
        "[Dimension('a', 'A', 'g', TEXT, PropertyValue('x'), (), True)]",
        "without choices",
    ),
    "choices of nothing": (
        "dimensions",
        "[Dimension('a', 'A', 'g', TEXT, PropertyValue('x'), ['x'])]",
        "no muster_sdk.Choice",
    ),
    "no behavior": ("behaviors", "[None]", "NoneType is no muster_sdk.Behavior"),
    "a type of ours": ("behaviors", "[Behavior('email.opened', 'O', 'g')]", "one of Muster's own"),
    "an attribute twice": ("behaviors", "[Behavior('e', 'E', 'g', [EventAttribute('a', 'A')] * 2)]", "is there twice"),
    "an attribute of no kind": ("behaviors", "[Behavior('e', 'E', 'g', [EventAttribute('a', 'A', 5)])]", "no kind"),
    "an attribute of nothing": ("behaviors", "[Behavior('e', 'E', 'g', ['a'])]", "no muster_sdk.EventAttribute"),
    "no list": ("behaviors", "5", "not iterable"),
    "an error": ("dimensions", "1 / 0", "ZeroDivisionError"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_left_out_with_the_packages_name(install: Install, what: str) -> None:
    hook, answer, reason = WRONG[what]
    imported = "Behavior, Choice, Dimension, EventAttribute, EventCount, LatestEvent, PropertyValue, ValueKind"
    head = f"from muster_sdk import {imported}\nTEXT = ValueKind.TEXT\n"
    install("wrong", f"\n{head}\n@hookimpl\ndef register_{hook}():\n    return {answer}\n")
    install("school", SCHOOL)
    plugins = find_plugins()
    (fault,) = plugins.faults
    assert (fault.plugin, fault.version) == ("wrong", "0.3")
    assert reason in fault.reason
    assert {"school.colour", "school.classes"} <= {dimension.key for dimension in plugins.extensions.dimensions}
    assert {"class.attended"} <= {behavior.event for behavior in plugins.extensions.behaviors}
