"""Habits of the house that no linter knows."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for name in ("api", "channels", "domain", "plugins") for path in (ROOT / name).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def test_no_two_choices_share_a_name() -> None:
    names = Counter(
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id.endswith("Enum") for base in node.bases)
    )
    assert [name for name, times in names.items() if times > 1] == []


def test_nothing_is_mocked() -> None:
    imports = {
        str(path.relative_to(ROOT)): name
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if "mock" in name
    }
    assert imports == {}
