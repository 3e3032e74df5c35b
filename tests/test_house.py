"""Habits of the house that no linter knows."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.ordering import unordered_limits
from tests.table_writes import DomainTables

# They read the same trees, which takes longer than to look through them.
pytestmark = pytest.mark.xdist_group("house")
ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for name in ("api", "channels", "domain", "plugins") for path in (ROOT / name).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

# A GraphQL type bears the name of what it shows; the server's own operation is the one of GraphQL's specification.
TWINS = {"Operation"}

TERMS_OF_ART = {
    "logging",
    "mailing",
    "mapping",
    "rendering",
    "scoring",
    "sealing",
    "signing",
    "testing",
    "tracking",
    "wiring",
}

# Of what is cut by a limit without a total order, why any rows do.
ANY_ROWS_DO = {
    "api/doctor/check.py": "it sorts by all columns of the rows, their keys among them",
    "api/doctor/segments.py": "only the value is read, by which it sorts",
    "api/graphql/kit/child_pages.py": "its orderings end in a unique key",
    "api/graphql/kit/connection.py": "its orderings end in a unique key",
    "api/graphql/kit/pages.py": "its orderings end in a unique key",
    "domain/channels/periodic.py": "a store and a channel, by which it sorts last, are the key of what it reads",
    "domain/changes/queries.py": "any marks of a store that tracks nothing; any row of versions that is free",
    "domain/consents/suppressions.py": "more than the limit are not read, only known of",
    "domain/customers/search.py": "more than the limit are not read, only known of",
    "domain/deliveries/audience.py": "only the reason is read, by which it sorts",
    "domain/events/log.py": "a customer's rows are numbered, in whatever order",
    "domain/imports/queries.py": "goes from key to key, in their order",
    "domain/imports/orders/customer_range.py": "sums are sought, or only the value is read by which it sorts",
    "domain/imports/orders/items.py": "asks whether there is one",
    "domain/imports/orders/strangers.py": "goes from key to key, in their order",
    "domain/imports/orders/merge.py": "asks whether there is one",
    "domain/lifecycle/queries.py": "only the values are read, by which it sorts",
    "domain/lists/queries.py": "asks whether there is one",
    "domain/memberships/queries.py": "what is left is found by the next look",
    "domain/migrations/versions/0011_folded_names.py": "goes from key to key, in their order",
    "domain/orders/facts.py": "only the moments are read, by which it sorts",
    "domain/privacy/rows.py": "its order is what is left of the key",
    "domain/receipts/queries.py": "a campaign's, and a receipt's, key ends its order",
    "domain/segments/evaluation/cache/transfer.py": "more than the limit are not read, only known of",
    "domain/segments/queries.py": "more than the limit are refused",
    "domain/stores/sealed_settings.py": "a store and a channel are its unique key",
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def classes(paths: Iterable[Path]) -> Iterator[ast.ClassDef]:
    return (node for path in paths for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef))


def repeated(names: Iterable[str]) -> set[str]:
    return {name for name, times in Counter(names).items() if times > 1}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_two_choices_share_a_name() -> None:
    choices = (
        node.name
        for node in classes(SOURCES)
        if any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases)
    )
    assert repeated(choices) == set()


def test_no_two_classes_share_a_name() -> None:
    graph = [path for path in SOURCES if path.is_relative_to(ROOT / "api" / "graphql")]
    assert repeated(node.name for node in classes(set(SOURCES) - set(graph))) == set()
    assert repeated(node.name for node in classes(graph) if not node.name.startswith("_")) <= TWINS


def test_modules_are_named_by_nouns() -> None:
    names = {path.stem for path in SOURCES} | {path.parent.name for path in SOURCES}
    assert {name for name in names if name.endswith("ing")} <= TERMS_OF_ART


def test_docstrings_say_what_is_returned() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    questions = {
        f"{relative(path)}: {docstring.splitlines()[0]}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, documented) and (docstring := ast.get_docstring(node))
        if docstring.split()[0] in {"What", "Who", "Whom", "Where", "Whether", "How"}
        or docstring.startswith("The same")
    }
    assert questions == set(), "begin with a verb, or with the noun that it is"


def test_nothing_is_mocked() -> None:
    imports = {
        relative(path): name
        for path in TESTS
        for node in ast.walk(parsed(path))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if "mock" in name
    }
    assert imports == {}


def test_no_test_looks_at_the_white_space_of_sql() -> None:
    looks = {
        f"{relative(path)}:{node.lineno}": node.left.value
        for path in TESTS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
        and {getattr(side, "id", "") for side in node.comparators} & {"sql", "statement"}
        if " ".join(node.left.value.split()) != node.left.value
    }
    assert looks == {}


def test_what_a_limit_cuts_has_a_total_order() -> None:
    cut = {relative(path) for path in SOURCES if unordered_limits(parsed(path))}
    assert cut - ANY_ROWS_DO.keys() == set(), "end the order in a unique key, or say in ANY_ROWS_DO why any rows do"


def test_one_topic_writes_a_table() -> None:
    tables = DomainTables.read(ROOT)
    written: dict[str, set[str]] = {}
    for path in SOURCES:
        package, topic, *_ = path.relative_to(ROOT).parts
        foreign = {
            name for name in tables.written_by(parsed(path)) if (package, tables.topics[name]) != ("domain", topic)
        }
        if foreign and topic != "migrations":
            written[relative(path)] = foreign
    assert written == {}, "let the table's own topic write it; any topic may read it"


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5 lets such a group miss its match (python/cpython#106052)."""
    possessive = re.compile(r"(?<!\\)\)(?:[*+?]|\{[0-9,]+\})\+|\(\?>")
    assert possessive.search(r"(?:a|\\.)*+b")
    assert not possessive.search(r"[ab]*+(?:c)*")
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and possessive.search(node.value)
    ]
    assert found == []
