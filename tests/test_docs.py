"""What the documentation names exists, and what exists is documented."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from inspect import signature
from pathlib import Path

import pytest
from muster_sdk import hookspecs
from typer.main import get_command

from api import doctor
from api.cli import app
from api.settings import Settings
from domain.events.types import EVENT_TYPES, MESSAGE_EVENTS
from domain.segments.catalogue import catalogue, docs_page

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/sdk/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
COMMANDS = set(getattr(get_command(app), "commands", {}))
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SETTINGS = {f"MUSTER_{name.upper()}" for name in Settings.model_fields}
TESTS = {
    node.name
    for path in ROOT.glob("tests/**/test_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}
ARCHITECTURE = (ROOT / "docs/explanation/architecture.md").read_text()
OF_TESTS = {
    "MUSTER_TEST_POSTGRES_URL",
    "MUSTER_TEST_REDIS_URL",
    "MUSTER_TEST_RABBITMQ_URL",
    "MUSTER_TEST_LARGE_MEGABYTES",
    "MUSTER_REQUIRE_SERVICES",
}


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    rows = re.findall(r"^\| `(MUSTER_\w+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
    assert set(rows) == SETTINGS
    assert len(rows) == len(SETTINGS)


def test_the_command_line_is_documented_as_it_is(tmp_path: Path) -> None:
    written = tmp_path / "cli.md"
    typer = Path(sys.executable).with_name("typer")
    options = ["--name", "muster", "--title", "Command line", "--output", str(written)]
    subprocess.run([typer, "api.cli", "utils", "docs", *options], cwd=ROOT, check=True, capture_output=True)
    assert written.read_text() == (ROOT / "docs/reference/cli.md").read_text(), "run `make docs`"


def test_what_segments_may_ask_is_documented_as_it_is() -> None:
    assert docs_page.page() == (ROOT / "docs/reference/dimensions.md").read_text(), "run `make docs`"


def test_every_check_of_the_doctor_is_documented_as_it_is() -> None:
    checks = [*doctor.PROCESS_CHECKS, *doctor.DATA_CHECKS]
    rows = [f"| {check.name} | {check.subject} | {check.advice} |" for check in checks]
    section = (ROOT / "docs/howto/operate.md").read_text().partition("\n## The doctor\n")[2]
    documented = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert documented == rows, "write these rows into the table of docs/howto/operate.md"


def test_every_hook_is_documented_with_its_arguments() -> None:
    hooks = {name: getattr(hookspecs, name) for name in hookspecs.__all__ if name.startswith(("register_", "prepare_"))}
    written = (ROOT / "docs/reference/hooks.md").read_text()
    headings = set(re.findall(r"^## `(\w+\(.*\))`$", written, re.MULTILINE))
    assert headings == {f"{name}({', '.join(signature(hook).parameters)})" for name, hook in hooks.items()}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    assert set(re.findall(r"\bMUSTER_[A-Z_]*[A-Z]\b", page.read_text())) <= SETTINGS | OF_TESTS


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    code = "\n".join(_code(page))
    assert set(re.findall(r"^make ([a-z]+)", code, re.MULTILINE)) <= TARGETS
    assert set(re.findall(r"(?:^|/)muster ([a-z]+)", code, re.MULTILINE)) <= COMMANDS


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_file_that_a_page_links_to_exists(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    paths = re.findall(r"`((?:api|channels|domain|plugins|tests|docs|\.ci)/[\w./-]*)`", page.read_text())
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert {name for name in re.findall(r"`(test_\w+)`", page.read_text()) if name not in TESTS} == set()


def test_every_rule_is_where_architecture_says() -> None:
    rows = re.findall(r"^\| .+? \| `([\w/]+\.py)` \| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    assert len(rows) >= 20
    missing = {
        f"{path}: {name}"
        for path, names in rows
        for name in re.findall(r"`([\w.]+)`", names)
        if name not in set(_definitions(ast.parse((ROOT / path).read_text())))
    }
    assert missing == set()


def test_layers_are_as_architecture_says() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers_of = {
        container: [frozenset(re.findall(r"\w+", layer)) for layer in reversed(contract["layers"])]
        for contract in contracts
        for container in contract.get("containers", ())
    }
    [block] = re.findall(r"^```\n(domain .*?)```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    lines = dict(re.findall(r"^([\w.]+) +(.+?)$", block.replace("\n ", " "), re.MULTILINE))
    assert lines.keys() == {"domain", "domain.segments", "api", "api.graphql"}
    for container, line in lines.items():
        assert [frozenset(re.findall(r"\w+", layer)) for layer in line.split("<")] == layers_of[container], container


def test_every_word_of_the_glossary_is_in_the_code() -> None:
    rows = re.findall(r"^\| \*\*.+?\*\* \| (`.+?`) \| ", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    sources = [path for package in ("api", "domain", "plugins") for path in (ROOT / package).rglob("*.py")]
    names = {name.split(".")[-1] for path in sources for name in _definitions(ast.parse(path.read_text()))}
    names |= {path.name for path in sources}
    words = {word for row in rows for word in re.findall(r"`([^`]+)`", row)}
    assert len(words) > 20
    assert {word for word in words if word not in names and word.split(".")[-1] not in names} == set()


def _definitions(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    """The functions, classes, methods and constants of a module."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _definitions(node, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield prefix + name
            case _:
                pass


def _code(page: Path) -> list[str]:
    """The lines of code blocks, and code inside sentences."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", text)
    return [*(line.lstrip("$ ") for block in blocks for line in block.splitlines()), *indented, *inline]


def test_every_kind_of_event_is_documented_with_its_attributes() -> None:
    lines = [
        set(re.findall(r"`([^`]+)`", line)) for line in (ROOT / "docs/reference/events.md").read_text().splitlines()
    ]
    for kind, known in {**EVENT_TYPES, **MESSAGE_EVENTS}.items():
        assert any({kind, *known.attributes} <= names for names in lines), f"{kind}: {sorted(known.attributes)}"


def test_conditions_ask_for_every_type_of_event() -> None:
    assert EVENT_TYPES.keys() - catalogue().behaviors.keys() == set()
