"""The functions of the templates: each called with its own environment, and held to its own role."""

import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import boto3

from infra import catalog
from infra.local.functions import Context
from tests.infra import moto_states
from tests.infra.assembly import REGION, arn
from tests.infra.moto_account import MotoAccount
from tests.infra.rights import (
    Right,
    function_of,
    needed,
    refused_to_all,
    rights_of,
    rights_of_workflows,
)
from usher import settings as usher_settings
from usher.adapters.aws_platform import AwsPlatform
from usher.bootstrap import platform as usher_platform


@dataclass(frozen=True)
class _Function:
    entry: catalog.Function
    name: str
    settings: usher_settings.Settings
    platform: AwsPlatform
    rights: frozenset[Right]


class MotoFunctions:
    """Calls `functions/<room>/<name>.py` on the AWS adapters, made from the template's environment alone.

    Args:
        addresses: the value of each parameter that a deployment asks for, and where the vendors answer.

    Functions take turns: each has its own environment, and a process has one. `used` collects the rights
    that calls to AWS needed, by who called; `denied` those calls that its role would not have allowed.
    """

    def __init__(self, account: MotoAccount, addresses: Mapping[str, str]) -> None:
        self._account = account
        self._addresses = dict(addresses)
        self._turn = threading.Lock()
        self._current: _Function | None = None
        self._refused = refused_to_all(account.assembly)
        self._as_in_template = {real: ours for ours, real in account.real.items()}
        self._function = cache(self._made)
        self._aws = AwsPlatform(usher_settings.Settings(region=REGION))
        self._client = cache(self._watched)  # one for all functions: making one costs more than all its calls
        self.used: dict[str, set[Right]] = defaultdict(set)
        self.denied: list[str] = []
        self.session = boto3.session.Session(region_name=REGION)  # for clients a library makes for itself
        self.session.events.register("provide-client-params", self._check)

    def call(self, path: str, event: dict[str, Any]) -> Any:
        """What the handler answers; what it raises passes through."""
        function = self._function(path)
        entry = function.entry
        with self._turn:
            self._current = function
            usher_settings.install(function.settings)
            usher_platform.install(function.platform)
            deadline = time.monotonic() + entry.timeout_seconds
            version = arn("lambda", f"function:{function.name}:1")
            context = Context(function.name, entry.memory_mb, version, "request", deadline)
            try:
                return importlib.import_module(f"functions.{entry.room}.{entry.name}").handler(event, context)
            finally:
                self._current = None

    def call_qualified(self, target: str, event: dict[str, Any]) -> Any:
        """Call by what a caller names: a version's or an alias's ARN, or `name:live`."""
        name, qualifier = target.split(":")[-2:]
        assert qualifier in ("live", "1"), f"{target} is not qualified"
        return self.call(self._paths[name], event)

    @cached_property
    def _paths(self) -> dict[str, str]:
        assembly = self._account.assembly
        return {function_of(assembly, e).properties["FunctionName"]: e.path for e in catalog.FUNCTIONS}

    def _made(self, path: str) -> _Function:
        entry = catalog.function(path)
        function = function_of(self._account.assembly, entry).properties
        vendors = {name: url for name, url in self._addresses.items() if name.endswith("_API_BASE")}
        own = {name: self._here(name, value) for name, value in function["Environment"]["Variables"].items()}
        settings = usher_settings.read({"AWS_REGION": REGION, **vendors, **own})
        platform = AwsPlatform(settings)
        platform.client = self._client  # a cache too, of clients that are watched
        rights = frozenset(rights_of(self._account.assembly, entry))
        return _Function(entry, function["FunctionName"], settings, platform, rights)

    def _watched(self, service: str) -> Any:
        client = self._aws.client(service)
        client.meta.events.register("provide-client-params", self._check)
        return client

    def _here(self, name: str, value: str) -> str:
        is_parameter = value.startswith("<")
        return self._addresses[name] if is_parameter else self._account.real.get(value, value)

    def check_workflow(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Hold the interpreter to the roles of the state machines, as functions are held to theirs."""
        for right in self._needed(params, model):
            self.used["a workflow"].add(right)
            if right not in self._of_workflows:
                self.denied.append(f"a workflow: {right[0]} on {right[1]}")
                raise PermissionError(self.denied[-1])

    @cached_property
    def _of_workflows(self) -> frozenset[Right]:
        return frozenset(rights_of_workflows(self._account.assembly))

    def _check(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.service_model.service_name == "lambda":
            return  # moto's interpreter at work on a task; no function of ours calls another
        function = self._current
        assert function is not None, f"{model.name} was called by nobody"
        for action, resource in self._needed(params, model):
            right = (action, resource)  # as moto names it, or as the template does
            if right not in function.rights:
                right = (action, self._as_in_template.get(resource, resource))
            self.used[function.entry.path].add(right)
            if right not in function.rights or right in self._refused:
                self.denied.append(f"{function.entry.path}: {action} on {resource}")
                raise PermissionError(self.denied[-1])

    @staticmethod
    def _needed(params: dict[str, Any], model: Any) -> Iterator[Right]:
        service = model.service_model.service_name
        return needed(service, model.name, params, waits_in=moto_states.waits_in)
