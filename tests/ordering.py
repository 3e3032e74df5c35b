"""Whether statements that are cut, or whose rows are numbered, are sorted to the last row."""

import ast
from collections.abc import Iterable, Mapping

# Columns by which no two rows of what is sorted are alike.
_UNIQUE = {"customer", "customer_external_id", "customer_id", "id", "number", "row", "tag", "value"}
_OF_A_COLUMN = {"asc", "desc", "is_", "is_not"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def unordered_limits(module: ast.Module) -> list[str]:
    """Return the functions that limit or number rows without an order that ends in a unique column."""
    constants = _assigned(module.body)
    return [
        function.name
        for function in ast.walk(module)
        if isinstance(function, Function) and not _ordered(function, constants)
    ]


def _ordered(function: Function, constants: Mapping[str, ast.expr]) -> bool:
    names = {**constants, **_assigned(ast.walk(function))}
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    by_name: dict[str, list[ast.Call]] = {}
    for call in calls:
        assert isinstance(call.func, ast.Attribute)
        by_name.setdefault(call.func.attr, []).append(call)
    limited = "limit" in by_name and not any(
        _ends_unique(call.args[-1], names) for call in by_name.get("order_by", ()) if call.args
    )
    numbered = "row_number" in by_name and not all(
        _ends_unique(keyword.value, names)
        for call in by_name.get("over", ())
        for keyword in call.keywords
        if keyword.arg == "order_by"
    )
    return not limited and not numbered


def _ends_unique(order: ast.expr, names: Mapping[str, ast.expr]) -> bool:
    """Whether an order's last column is a unique one, through names of orders and `desc()`."""
    match order:
        case ast.Starred(value=inner):
            return _ends_unique(inner, names)
        case ast.Call(func=ast.Attribute(value=column, attr=attribute)) if attribute in _OF_A_COLUMN:
            return _ends_unique(column, names)
        case ast.Tuple(elts=[*_, last]) | ast.List(elts=[*_, last]):
            return _ends_unique(last, names)
        case ast.Attribute(attr=name):
            return name in _UNIQUE
        case ast.Name(id=name):
            return name in _UNIQUE or (name in names and _ends_unique(names[name], {}))
        case _:
            return False


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
