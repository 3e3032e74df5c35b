"""What the catalogue offers: every condition of the specification, each entry once, each sound in itself."""

from uuid import UUID

import pytest

from domain.segments.catalogue.coverage import NAMES, NOT_HELD, TOGETHER
from domain.segments.catalogue.docs_page import covered
from domain.segments.catalogue.entries import CatalogueEntry
from domain.segments.filters import Operator
from domain.segments.language import read, write
from tests.domain.segments.filter_strategies import CATALOGUE
from tests.domain.segments.persons import TIMEZONE


def entries() -> list[CatalogueEntry]:
    return [
        *CATALOGUE.dimensions.values(),
        *(attribute for behavior in CATALOGUE.behaviors.values() for attribute in behavior.attributes),
    ]


def test_every_condition_of_the_specification_is_answered_or_listed_with_a_reason() -> None:
    assert list(NAMES) == list(range(1, 145))
    answered = {number for number, keys in covered(CATALOGUE).items() if keys} | TOGETHER.keys()
    assert answered | NOT_HELD.keys() == NAMES.keys()
    assert answered & NOT_HELD.keys() == set()


@pytest.mark.parametrize("number", TOGETHER)
def test_what_answers_a_condition_together_can_be_asked(number: int) -> None:
    for query in TOGETHER[number]:
        text = query.replace('"ID"', f'"{UUID(int=1)}"')
        definition = read(text, CATALOGUE, TIMEZONE, property_conditions=5)
        assert write(definition) == text


def test_nobody_takes_the_key_of_another() -> None:
    for behavior in CATALOGUE.behaviors.values():
        keys = [attribute.key for attribute in behavior.attributes]
        assert len(keys) == len(set(keys)), behavior.key


def test_what_a_builder_shows_is_complete() -> None:
    for entry in entries():
        assert entry.label
        assert entry.operators, entry.key
        assert len(set(entry.operators)) == len(entry.operators), entry.key
        if entry.closed:
            assert entry.options, entry.key
            assert {Operator.EQ, Operator.IN} <= set(entry.operators), entry.key
