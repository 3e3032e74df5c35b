"""What a document asks for, on a schema whose types ask for their own names' scopes (S5)."""

# graphql-core's generic types are looked into as they come.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections.abc import Mapping

import pytest
from graphql import GraphQLField, build_schema, parse

from api.graphql.kit.access import CompositeType
from api.graphql.server.authorization import Authorization, Scopes
from api.graphql.server.demands import DemandReader
from api.graphql.server.documents import Document
from api.graphql.server.negotiation import Outcome, Refused
from domain.stores.model import TokenScope

SCHEMA = build_schema(
    """
    interface Named { name: String, note: String }
    type Person implements Named { name: String, note: String, friends: [Person!], shop: Shop }
    type Shop implements Named { name: String, note: String, owner: Named }
    union Anything = Person | Shop
    type Query { person: Person, shop: Shop, named: Named, anything: Anything }
    type Mutation { sell: Receipt, buy: Receipt }
    type Receipt { number: Int, person: Person }
    type Subscription { arrivals: Person }
    """
)
READ, WRITE, SEND, ADMIN = TokenScope.READ, TokenScope.WRITE, TokenScope.SEND, TokenScope.ADMIN
ASKED = {
    "Person.note": ADMIN,
    "Person": READ,
    "Shop": WRITE,
    "Mutation.sell": SEND,
    "Mutation.buy": WRITE,
    "Subscription": READ,
}


def scope_of(parent: CompositeType, name: str, _field: GraphQLField) -> TokenScope | None:
    return ASKED.get(f"{parent.name}.{name}", ASKED.get(parent.name))


def demands(text: str, name: str | None = None) -> Mapping[str, str]:
    """The scopes of an operation, each with the path and the type of the first field that asks for it."""
    node = parse(text)
    operation = Document(node, (), nul=False, dear=False).operation(name)
    return {
        demand.scope.value: f"{'.'.join(demand.path)} of {demand.type_name}"
        for demand in DemandReader(SCHEMA, scope_of, node).demands(operation).values()
    }


NOTHING: dict[str, str] = {}
PERSON = {"read": "person.name of Person"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ person { __typename } }", NOTHING),
        ('{ __schema { types { name } } __type(name: "Person") { name } }', NOTHING),
        ("{ person { name } }", PERSON),
        ("{ a: person { b: name } }", {"read": "a.b of Person"}),
        ("{ person { name friends { name note } } }", PERSON | {"admin": "person.friends.note of Person"}),
        (
            "{ shop { owner { name } } person { name } }",
            {"write": "shop.owner of Shop", "read": "shop.owner.name of Person"},
        ),
        ("{ person { ... { name } } }", PERSON),
        ("{ person { ... on Named { name } } }", {"read": "person.name of Person", "write": "person.name of Shop"}),
        ("{ anything { ... on Person { name } } }", {"read": "anything.name of Person"}),
        ("{ anything { __typename ... on Shop { __typename } } }", NOTHING),
        ("{ named { name } }", {"read": "named.name of Person", "write": "named.name of Shop"}),
        ("{ named { ... on Shop { name } } }", {"write": "named.name of Shop"}),
        ("{ person { ...a } } fragment a on Person { ...b } fragment b on Person { name }", PERSON),
        ("{ ...q } fragment q on Query { person { name } }", PERSON),
        ("{ person @skip(if: true) { name } }", PERSON),
        ("query ($no: Boolean!) { person { ... @include(if: $no) { name } } }", PERSON),
        ("mutation { sell { number } }", {"send": "sell of Mutation"}),
        (
            "mutation { sell { person { friends { name } } } buy { number } }",
            {"send": "sell of Mutation", "read": "sell.person.friends of Person", "write": "buy of Mutation"},
        ),
        (
            "subscription { arrivals { note } }",
            {"read": "arrivals of Subscription", "admin": "arrivals.note of Person"},
        ),
    ],
)
def test_each_field_asks_for_what_its_type_does(document: str, expected: Mapping[str, str]) -> None:
    assert demands(document) == expected


def test_only_the_operation_that_is_run_asks() -> None:
    document = "query A { person { __typename } } query B { person { ...f } } fragment f on Person { name }"
    assert demands(document, "A") == NOTHING
    assert demands(document, "B") == PERSON


def test_each_place_of_a_document_is_read_once_and_each_operation_once() -> None:
    """Fragments that double themselves forty times would take years."""
    fragments = [f"fragment f{n} on Person {{ friends {{ ...f{n + 1} ...f{n + 1} }} }}" for n in range(40)]
    text = "{ person { ...f0 } } fragment f40 on Person { note } " + " ".join(fragments)
    asked: list[str] = []

    def counted(parent: CompositeType, name: str, field: GraphQLField) -> TokenScope | None:
        asked.append(name)
        return scope_of(parent, name, field)

    document = Document(parse(text), (), nul=False, dear=False)
    authorization = Authorization(SCHEMA, Scopes(counted, frozenset[TokenScope].__contains__))
    for _ in range(3):
        authorization.check(document, document.operation(None), frozenset({READ, ADMIN}))
    assert len(asked) == len([*fragments, "person", "note"])


def test_the_refusal_names_the_scope_the_field_and_its_type() -> None:
    document = Document(parse("{ person { who: note } }"), (), nul=False, dear=False)
    authorization = Authorization(SCHEMA, Scopes(scope_of, frozenset[TokenScope].__contains__))
    with pytest.raises(Refused) as refused:
        authorization.check(document, document.operation(None), frozenset({READ}))
    assert refused.value.outcome is Outcome.FORBIDDEN
    assert [error.formatted for error in refused.value.errors] == [
        {
            "message": 'The token lacks the scope "admin", which Person.note asks for',
            "locations": [{"line": 1, "column": 12}],
            "path": ["person", "who"],
            "extensions": {"code": "FORBIDDEN", "scope": "admin", "type": "Person"},
        }
    ]
