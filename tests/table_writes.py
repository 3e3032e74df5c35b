"""Which modules write which tables, as their code says."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_WRITES = {"insert", "update", "delete", "insert_into"}
_SQL = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+(\w+)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class DomainTables:
    """The tables that topics declare: their topics by their names in SQL, and those names by module and variable."""

    topics: Mapping[str, str]
    names: Mapping[tuple[str, str], str]

    @classmethod
    def read(cls, root: Path) -> "DomainTables":
        topics: dict[str, str] = {}
        names: dict[tuple[str, str], str] = {}
        modules = {
            f"domain.{path.parent.name}.{path.stem}": ast.parse(path.read_text())
            for path in sorted((root / "domain").glob("*/*tables.py"))
            if path.stem in {"tables", "log_tables"} and path.parent.name != "migrations"
        }
        for module, tree in modules.items():
            for node in tree.body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    [target], call = node.targets, node.value
                    if _called(call) == "Table" and isinstance(target, ast.Name):
                        assert isinstance(call.args[0], ast.Constant)
                        name = str(call.args[0].value)
                        names[module, target.id], topics[name] = name, module.split(".")[1]
        for module, tree in modules.items():
            # What a topic's tables.py imports of another's is declared there for its keys, and is this one's.
            for node in (node for node in tree.body if isinstance(node, ast.ImportFrom)):
                for declared in (names.get((node.module or "", alias.name)) for alias in node.names):
                    if declared is not None:
                        names[module, declared], topics[declared] = declared, module.split(".")[1]
        return cls(topics, names)

    def written_by(self, module: ast.Module) -> set[str]:
        """Return the tables that a module writes, through its loops and its own functions' parameters too."""
        variables = {
            alias.asname or alias.name: self.names[node.module or "", alias.name]
            for node in ast.walk(module)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if (node.module or "", alias.name) in self.names
        }
        targets = set(_write_targets(module))
        in_sql = {name for node in ast.walk(module) for name in _sql_targets(node)}
        return {variables[target] for target in targets if target in variables} | in_sql & self.topics.keys()


def _write_targets(tree: ast.Module) -> Iterator[str]:
    """The variables that statements write to: imported names, and what loops and parameters stand for."""
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if _called(call) in _WRITES and call.args and isinstance(call.args[0], ast.Name):
                target = call.args[0].id
                yield target
                yield from _looped_over(function, target)
                yield from _passed_as(tree, function, target)


def _looped_over(function: Function, target: str) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and target in _variables(node.target):
            yield from _variables(node.iter)


def _passed_as(tree: ast.Module, function: Function, parameter: str) -> Iterator[str]:
    parameters = [argument.arg for argument in function.args.args]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == function.name):
        for name, argument in zip(parameters, call.args, strict=False):
            if name == parameter:
                yield from _variables(argument)


def _sql_targets(node: ast.AST) -> list[str]:
    return _SQL.findall(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def _called(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _variables(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
