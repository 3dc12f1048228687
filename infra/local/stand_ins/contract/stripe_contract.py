"""The Stripe contract: every operation of the installed SDK, its parameters and its answers.

The list of operations is read once per SDK version (and kept as JSON in the data directory); the types of an
operation are read when it is first called.
"""

import importlib.metadata
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from infra.local.stand_ins.contract.checks import AnswerChecks, Check, ContractBreach, ParameterReaders, Read
from infra.local.stand_ins.contract.sdk_source import Module, Node, operations_of

FORMAT = 1  # of the cache file; raise it when nodes change their meaning
MAX_DEPTH = 12
_PARAMETER = re.compile(r"\{[^}]*\}")


class StripeContract:
    """Operations by name, for example `POST /v1/customers/{customer}` (the parameter's name does not matter).

    Args:
        cache_dir: where what was read from the SDK is kept; None reads it anew.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        spec = importlib.util.find_spec("stripe")
        assert spec is not None and spec.origin is not None
        self._folder = Path(spec.origin).parent
        self.version = importlib.metadata.version("stripe")
        text = (self._folder / "_api_version.py").read_text()
        self.api_version = re.findall(r'CURRENT = "([^"]+)"', text)[0]
        self._cache = cache_dir / f"stripe-contract-{self.version}-{FORMAT}.json" if cache_dir else None
        kept = json.loads(self._cache.read_text()) if self._cache and self._cache.exists() else {}
        self.operations: dict[str, dict[str, str | None]] = kept.get("operations") or operations_of(
            self._folder
        )
        self._nodes: dict[str, Node] = kept.get("nodes", {})
        self._unsaved = not kept
        self._modules: dict[str, Module] = {}
        self._readers = ParameterReaders(self._resolve)
        self._checks = AnswerChecks(self._resolve)
        self._reader_of: dict[str, Read | None] = {}
        self._check_of: dict[str, Check | None] = {}

    def operation(self, name: str) -> dict[str, str | None] | None:
        """What the SDK says of an operation; None when it has no such call."""
        return self.operations.get(_PARAMETER.sub("{}", name))

    def parameters(self, operation: str, encoded: str) -> dict[str, Any]:
        """Decode form parameters into typed values.

        Raises:
            ContractBreach: a parameter is unknown, missing or of the wrong type.
            LookupError: the SDK has no such operation.
        """
        if operation not in self._reader_of:
            known = self.operation(operation)
            if known is None:
                raise LookupError(f"the SDK has no operation {operation}")
            params = known["params"]
            self._reader_of[operation] = self._readers.reader(["ref", params]) if params else None
        reader = self._reader_of[operation]
        raw = decode_form(encoded)
        return reader(raw, "") if reader else raw

    def check_answer(self, operation: str, value: Any) -> None:
        """Raises ContractBreach when a 200's body does not fit the SDK's resource class."""
        if operation not in self._check_of:
            known = self.operation(operation)
            answer = known["answer"] if known else None
            self._check_of[operation] = self._checks.check(_answer_node(answer)) if answer else None
        if check := self._check_of[operation]:
            check(value, "answer")

    def check_resource(self, name: str, value: Any) -> None:
        """Raises ContractBreach when `value` does not fit the class `name` ("module:Class")."""
        self._checks.check(["ref", name])(value, name.partition(":")[2])

    def save(self) -> None:
        """Keep what was read so far, for a quicker next start."""
        if not self._cache or not self._unsaved:
            return
        self._unsaved = False
        part = self._cache.with_suffix(".part")
        part.write_text(json.dumps({"operations": self.operations, "nodes": self._nodes}))
        part.replace(self._cache)

    def _resolve(self, name: str) -> Node:
        node = self._nodes.get(name)
        if node is None:
            module, _, cls = name.partition(":")
            if module not in self._modules:
                self._modules[module] = _read(self._folder, module)
            node = self._nodes[name] = self._modules[module].node(cls)
            self._unsaved = True
        return node


_read = cache(Module)  # a process that has several stand-ins, one after the other, reads each file once


def _answer_node(answer: str) -> Node:
    shape, _, name = answer.rpartition(" ")
    if shape == "search":
        fields = {"object": ["enum", ["search_result"]], "url": ["str"], "has_more": ["bool"]}
        page = {field: [True, node] for field, node in fields.items()}
        page |= {"data": [True, ["list", ["ref", name]]], "next_page": [False, ["nullable", ["str"]]]}
        return ["object", page]
    return ["page", ["ref", name]] if shape else ["ref", name]


def decode_form(encoded: str) -> dict[str, Any]:
    """`a[b]=c&d[0]=e&f[]=g` as nested dicts of strings; `f[]` counts up from 0.

    Raises ContractBreach when a name is nested too deeply or used both as a value and as an object.
    """
    decoded: dict[str, Any] = {}
    for pair in encoded.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        name = unquote_plus(name)
        head, *rest = name.replace("]", "").split("[")
        if len(rest) > MAX_DEPTH:
            raise ContractBreach("Parameters are nested too deeply", None, head)
        target = decoded
        for key in rest:
            target = target.setdefault(head, {})
            if not isinstance(target, dict):
                raise ContractBreach("Invalid object", None, name)
            head = key or str(len(target))
        target[head] = unquote_plus(value)
    return decoded
