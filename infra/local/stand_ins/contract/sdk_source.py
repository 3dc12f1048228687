"""Reads the Stripe SDK's generated source into plain type nodes, without importing the SDK.

A node is a JSON-able list: ["str"] ["int"] ["float"] ["bool"] ["any"], ["enum", values], ["list", node],
["map", node], ["nullable", node], ["union", nodes], ["object", {field: [required, node]}],
["page", node] (ListObject), ["ref", "module:Class"].
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.stand_ins.contract import syntax

Node = list[Any]

_DOCSTRING = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""', re.DOTALL)
_IMPORT = re.compile(r"from (stripe\.[\w.]+) import (?:\(([^)]*)\)|([^\n(]+))")
_METHOD = re.compile(
    r'    def (?P<name>\w+)\((?P<arguments>[^)]*)\) -> (?P<result>[^:]+):\s+(?:""\s+)?'
    r"return cast\(\s*[^,]+,\s*"
    r'self\._request(?:_stream)?\(\s*"(?P<verb>\w+)",\s*"(?P<path>/v[12]/[^"]*)"'
)
_PARAMS = re.compile(r'params: (?:Optional\[)?"(\w+)"')
_SIMPLE = {"str": "str", "int": "int", "float": "float", "bool": "bool", "Decimal": "str", "Any": "any"}
_MAPS = ("Dict", "UntypedStripeObject", "Mapping")


def source_of(folder: Path, module: str) -> str:
    """The text of `stripe.x._y` without its docstrings, which are most of it."""
    path = folder.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return _DOCSTRING.sub('""', path.read_text(encoding="utf-8"))


def imports_of(text: str) -> dict[str, str]:
    """Imported name -> module, for the SDK's own modules."""
    found = {}
    for module, many, one in _IMPORT.findall(text):
        for name in (many or one).split(","):
            if name.strip():
                found[name.split(" as ")[-1].strip()] = module
    return found


@cache
def operations_of(folder: Path) -> dict[str, dict[str, str | None]]:
    """`{"POST /v1/customers/{}": {"method", "params", "answer"}}` of every service class.

    `params` and `answer` are "module:Class"; `answer` of a listing is "page module:Class", of a search
    "search module:Class".
    """
    operations: dict[str, dict[str, str | None]] = {}
    for path in sorted(folder.rglob("_*_service.py")):
        module = ".".join(("stripe", *path.relative_to(folder).with_suffix("").parts))
        text = source_of(folder, module)
        imports = imports_of(text)
        for found in _METHOD.finditer(text):
            name = f"{found['verb'].upper()} {re.sub('{[^}]*}', '{}', found['path'])}"
            params = _PARAMS.search(found["arguments"])
            operations[name] = {
                "method": found["name"],
                "params": f"{imports[params[1]]}:{params[1]}" if params and params[1] in imports else None,
                "answer": _answer(found["result"].strip().strip('"'), imports),
            }
    return operations


def _answer(result: str, imports: dict[str, str]) -> str | None:
    shape, _, inner = result.rpartition("[")
    name = inner.rstrip("]")
    if name not in imports:
        return None
    prefix = {"ListObject": "page ", "SearchResultObject": "search "}.get(shape, "")
    return f"{prefix}{imports[name]}:{name}"


class Module:
    """The classes of one SDK module as nodes."""

    def __init__(self, folder: Path, name: str) -> None:
        text = source_of(folder, name)
        self.name, self._imports = name, imports_of(text)
        self._classes: dict[str, ast.ClassDef] = {}
        self._calls: dict[str, ast.Dict] = {}
        for statement in syntax.module(text).body:
            if isinstance(statement, ast.ClassDef):
                self._classes[statement.name] = statement
            elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                fields = [a for a in statement.value.args if isinstance(a, ast.Dict)]
                if fields and isinstance(statement.targets[0], ast.Name):
                    self._calls[statement.targets[0].id] = fields[0]

    def node(self, name: str) -> Node:
        """The object node of a class of this module, its nested classes included."""
        return self._object(self._classes[name], ())

    def _object(self, definition: ast.ClassDef, scope: tuple[ast.ClassDef, ...]) -> Node:
        fields: dict[str, list[Any]] = {}
        for base in definition.bases:  # TypedDict("Base", {...}) holds names like `from`
            if isinstance(base, ast.Name) and base.id in self._calls:
                mapping = self._calls[base.id]
                for key, value in zip(mapping.keys, mapping.values, strict=True):
                    assert isinstance(key, ast.Constant)
                    fields[str(key.value)] = self._field(value, (definition, *scope))
        for statement in definition.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                if _is_class_variable(statement.annotation):
                    continue
                fields[statement.target.id] = self._field(statement.annotation, (definition, *scope))
        return ["object", fields]

    def _field(self, annotation: ast.expr, scope: tuple[ast.ClassDef, ...]) -> list[Any]:
        if isinstance(annotation, ast.Subscript) and _name(annotation.value) == "NotRequired":
            return [False, self._node(annotation.slice, scope)]
        node = self._node(annotation, scope)
        return [node[0] != "nullable", node]

    def _node(self, expression: ast.expr, scope: tuple[ast.ClassDef, ...]) -> Node:
        if isinstance(expression, ast.Constant):
            if isinstance(expression.value, str):
                return self._node(syntax.expression(expression.value), scope)
            return ["any"]
        if isinstance(expression, ast.BinOp):
            return _union([self._node(side, scope) for side in (expression.left, expression.right)])
        if isinstance(expression, ast.Subscript):
            return self._subscript(_name(expression.value), expression.slice, scope)
        return self._named(_name(expression), scope)

    def _subscript(self, name: str, inside: ast.expr, scope: tuple[ast.ClassDef, ...]) -> Node:
        parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
        if name == "Literal":
            return ["enum", [part.value for part in parts if isinstance(part, ast.Constant)]]
        nodes = [self._node(part, scope) for part in parts]
        if name == "Optional":
            return ["nullable", nodes[0]]
        if name == "Union":
            return _union(nodes)
        if name == "ExpandableField":
            return _union([["str"], nodes[0]])
        if name in ("List", "Sequence", "list"):
            return ["list", nodes[0]]
        if name == "ListObject":
            return ["page", nodes[0]]
        return ["map", nodes[-1]] if name in _MAPS else ["any"]

    def _named(self, name: str, scope: tuple[ast.ClassDef, ...]) -> Node:
        if name in _SIMPLE:
            return [_SIMPLE[name]]
        for depth, owner in enumerate(scope):
            for statement in owner.body:
                if isinstance(statement, ast.ClassDef) and statement.name == name:
                    return self._object(statement, scope[depth:])
        if name in self._imports:
            return ["ref", f"{self._imports[name]}:{name}"]
        return ["ref", f"{self.name}:{name}"] if name in self._classes else ["any"]


def _name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _is_class_variable(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Subscript) and _name(annotation.value) == "ClassVar"


def _union(nodes: list[Node]) -> Node:
    """One node for alternatives. The SDK writes an enumeration as `Literal[...] | str`: a closed one here."""
    flat: list[Node] = []
    for node in nodes:
        flat += node[1] if node[0] == "union" else [node]
    values = [value for node in flat if node[0] == "enum" for value in node[1]]
    rest = [node for node in flat if node[0] != "enum" and not (node == ["str"] and any(values))]
    if values:
        rest.insert(0, ["enum", values])
    return rest[0] if len(rest) == 1 else ["union", rest]
