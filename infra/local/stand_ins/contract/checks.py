"""Type nodes compiled to functions: one that reads form parameters, one that checks a JSON answer."""

import re
from collections.abc import Callable
from typing import Any

from infra.local.stand_ins.contract.sdk_source import Node

Read = Callable[[Any, str], Any]
Check = Callable[[Any, str], None]
_INTEGER = re.compile(r"-?\d{1,18}$")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?$")


class ContractBreach(Exception):
    """A value breaks the contract: the vendor's message, its error code and the parameter."""

    def __init__(self, message: str, code: str | None, param: str) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param


def _inside(path: str, name: object) -> str:
    return f"{path}[{name}]" if path else str(name)


class ParameterReaders:
    """Compiles nodes to readers of decoded form parameters; a reader returns typed values or raises."""

    def __init__(self, resolve: Callable[[str], Node]) -> None:
        self._resolve = resolve
        self._made: dict[str, Read] = {}

    def reader(self, node: Node) -> Read:
        """The reader of a node."""
        kind = node[0]
        if kind == "ref":
            return self._by_reference(node[1])
        if kind == "nullable":
            return self.reader(node[1])
        if kind in ("object", "map", "list", "page", "union", "enum"):
            make: Callable[[Any], Read] = getattr(self, f"_{kind}")
            return make(node[1])
        return {"int": _integer, "float": _number, "bool": _boolean, "str": _string}.get(kind, _anything)

    def _by_reference(self, name: str) -> Read:
        def read(value: Any, path: str) -> Any:
            found = self._made.get(name)
            if found is None:
                found = self._made[name] = self.reader(self._resolve(name))
            return found(value, path)

        return read

    def _object(self, fields: dict[str, list[Any]]) -> Read:
        readers = {name: self.reader(node) for name, (_, node) in fields.items()}
        required = [name for name, (needed, _) in fields.items() if needed]

        def read(value: Any, path: str) -> Any:
            if not isinstance(value, dict):
                raise ContractBreach("Invalid object", None, path)
            for name in value:
                if name not in readers:
                    at = _inside(path, name)
                    raise ContractBreach(f"Received unknown parameter: {at}", "parameter_unknown", at)
            for name in required:
                if name not in value:
                    at = _inside(path, name)
                    raise ContractBreach(f"Missing required param: {at}.", "parameter_missing", at)
            return {name: readers[name](item, _inside(path, name)) for name, item in value.items()}

        return read

    def _map(self, node: Node) -> Read:
        inner = self.reader(node)

        def read(value: Any, path: str) -> Any:
            if not isinstance(value, dict):
                raise ContractBreach("Invalid object", None, path)
            return {name: inner(item, _inside(path, name)) for name, item in value.items()}

        return read

    def _list(self, node: Node) -> Read:
        inner = self.reader(node)

        def read(value: Any, path: str) -> Any:
            if isinstance(value, dict) and all(name.isdigit() for name in value):
                value = [value[name] for name in sorted(value, key=int)]
            if not isinstance(value, list):
                raise ContractBreach("Invalid array", None, path)
            return [inner(item, _inside(path, index)) for index, item in enumerate(value)]

        return read

    _page = _list

    def _enum(self, values: list[Any]) -> Read:
        allowed = {_as_text(value): value for value in values}
        names = [text for text in allowed if text]

        def read(value: Any, path: str) -> Any:
            if isinstance(value, str) and value in allowed:
                return allowed[value]
            options = (
                names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, or {names[-1]}" if names else "''"
            )
            raise ContractBreach(f"Invalid {path}: must be one of {options}", None, path)

        return read

    def _union(self, nodes: list[Node]) -> Read:
        readers = [self.reader(node) for node in nodes]

        def read(value: Any, path: str) -> Any:
            breach: ContractBreach | None = None
            for reader in readers:
                try:
                    return reader(value, path)
                except ContractBreach as error:  # the alternative that got furthest explains best
                    if breach is None or len(error.param) >= len(breach.param):
                        breach = error
            assert breach is not None
            raise breach

        return read


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _anything(value: Any, path: str) -> Any:
    return value


def _string(value: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise ContractBreach("Invalid string", None, path)
    return value


def _integer(value: Any, path: str) -> Any:
    if isinstance(value, str) and _INTEGER.match(value):
        return int(value)
    raise ContractBreach(f"Invalid integer: {value}", "parameter_invalid_integer", path)


def _number(value: Any, path: str) -> Any:
    if isinstance(value, str) and _NUMBER.match(value):
        return float(value)
    raise ContractBreach(f"Invalid decimal: {value}", None, path)


def _boolean(value: Any, path: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    raise ContractBreach(f"Invalid boolean: {value}", None, path)


class AnswerChecks:
    """Compiles nodes to checks of JSON values; a check raises `ContractBreach` with the path."""

    def __init__(self, resolve: Callable[[str], Node]) -> None:
        self._resolve = resolve
        self._made: dict[str, Check] = {}

    def check(self, node: Node) -> Check:
        """The check of a node."""
        kind = node[0]
        if kind == "ref":
            return self._by_reference(node[1])
        if kind in ("object", "map", "list", "page", "union", "enum", "nullable"):
            make: Callable[[Any], Check] = getattr(self, f"_{kind}")
            return make(node[1])
        return _typed({"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}.get(kind))

    def _by_reference(self, name: str) -> Check:
        def check(value: Any, path: str) -> None:
            found = self._made.get(name)
            if found is None:
                found = self._made[name] = self.check(self._resolve(name))
            found(value, path)

        return check

    def _object(self, fields: dict[str, list[Any]]) -> Check:
        checks = {name: (_plainly_right(node), self.check(node)) for name, (_, node) in fields.items()}
        required = {name for name, (needed, _) in fields.items() if needed}

        def check(value: Any, path: str) -> None:
            if not isinstance(value, dict):
                raise ContractBreach(f"{path}: {value!r} is no object", None, path)
            for name, item in value.items():
                known = checks.get(name)
                if known is None:
                    raise ContractBreach(f"{path}.{name} is unknown to the SDK", None, f"{path}.{name}")
                if type(item) not in known[0]:
                    known[1](item, f"{path}.{name}")
            if not required <= value.keys() and not value.get("deleted"):
                missing = ", ".join(sorted(required - value.keys()))
                raise ContractBreach(f"{path} lacks {missing}", None, path)

        return check

    def _map(self, node: Node) -> Check:
        inner = self.check(node)

        def check(value: Any, path: str) -> None:
            if not isinstance(value, dict):
                raise ContractBreach(f"{path}: {value!r} is no mapping", None, path)
            for name, item in value.items():
                inner(item, f"{path}.{name}")

        return check

    def _list(self, node: Node) -> Check:
        inner = self.check(node)

        def check(value: Any, path: str) -> None:
            if not isinstance(value, list):
                raise ContractBreach(f"{path}: {value!r} is no list", None, path)
            for item in value:
                inner(item, path)

        return check

    def _page(self, node: Node) -> Check:
        inner = self._list(node)

        def check(value: Any, path: str) -> None:
            if not isinstance(value, dict) or value.get("object") != "list" or "has_more" not in value:
                raise ContractBreach(f"{path}: {value!r} is no list object", None, path)
            inner(value.get("data"), f"{path}.data")

        return check

    def _enum(self, values: list[Any]) -> Check:
        allowed = set(values)

        def check(value: Any, path: str) -> None:
            if not isinstance(value, (str, bool, int)) or value not in allowed:
                raise ContractBreach(f"{path}: {value!r} is none of {sorted(map(str, allowed))}", None, path)

        return check

    def _nullable(self, node: Node) -> Check:
        inner = self.check(node)

        def check(value: Any, path: str) -> None:
            if value is not None:
                inner(value, path)

        return check

    def _union(self, nodes: list[Node]) -> Check:
        checks = [self.check(node) for node in nodes]

        def check(value: Any, path: str) -> None:
            breach: ContractBreach | None = None
            for attempt in checks:
                try:
                    return attempt(value, path)
                except ContractBreach as error:
                    if breach is None or len(error.param) >= len(breach.param):
                        breach = error
            assert breach is not None
            raise breach

        return check


def _plainly_right(node: Node) -> frozenset[type]:
    """Types whose every value fits the node: most fields need no call to be checked."""
    kind = node[0]
    if kind == "nullable":
        return _plainly_right(node[1]) | {type(None)}
    if kind == "union":
        return frozenset().union(*(_plainly_right(part) for part in node[1]))
    simple: dict[str, set[type]] = {"str": {str}, "int": {int}, "float": {int, float}, "bool": {bool}}
    return frozenset(simple.get(kind, set()))


def _typed(types: tuple[type, ...] | None) -> Check:
    def check(value: Any, path: str) -> None:
        if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
            raise ContractBreach(f"{path}: {value!r} is no {types[0].__name__}", None, path)

    return check
