"""The cache of documents."""

import pytest

from api.graphql.kit.fields import schema_of
from api.graphql.server.documents import Documents
from api.graphql.server.limits import Limits
from api.graphql.server.negotiation import Refused
from tests.api.graphql.toy import make_schema

SCHEMA = schema_of(make_schema())


def test_a_document_is_read_once() -> None:
    documents = Documents(SCHEMA)
    assert documents.get("{ who }", {}) is documents.get("{ who }", {})
    assert documents.get("{ who }", {}) is not documents.get("{ who } ", {})


def test_a_faulty_one_is_remembered_as_such() -> None:
    documents = Documents(SCHEMA)
    for _ in range(2):
        with pytest.raises(Refused):
            documents.get("{ whom }", {})
    assert len(documents) == 1


def test_the_oldest_makes_room() -> None:
    documents = Documents(SCHEMA, max_count=2)
    first = documents.get("{ who }", {})
    documents.get("{ a: who }", {})
    assert documents.get("{ who }", {}) is first
    documents.get("{ b: who }", {})
    assert documents.get("{ who }", {}) is first
    assert len(documents) == 2


def test_characters_are_bounded_too() -> None:
    documents = Documents(SCHEMA, max_characters=2_000)
    for number in range(50):
        documents.get(f"{{ who }} # {number} " + "x" * 100, {})
    assert 10 < len(documents) < 20
    documents.get("{ who } # " + "x" * 1_000, {})
    assert len(documents) < 20


def test_limits_are_the_callers_to_set() -> None:
    with pytest.raises(Refused):
        Documents(SCHEMA, Limits(depth=2)).get("{ pebbles { nodes { name } } }", {})
