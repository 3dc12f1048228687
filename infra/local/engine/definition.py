"""A workflow file compiled for the engine: expressions ready, anything unsupported refused."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.engine import fields
from infra.local.engine.expressions import Evaluate, ExpressionRefused, compile_template
from infra.state_machine_file import Document, scopes_of, targets

RESULT = frozenset({"result"})
ERROR = frozenset({"errorOutput"})
TOKEN = frozenset({"context.Task"})
ITEM = frozenset({"context.Map"})


@dataclass(frozen=True, slots=True)
class Retrier:
    """One entry of Retry. Times in seconds."""

    errors: frozenset[str]
    interval: float
    attempts: int
    backoff: float
    max_delay: float | None
    jitter: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """Where to go and what to set on the way: a catcher, a choice, or a state's own Next."""

    next: str | None
    assign: Evaluate | None
    output: Evaluate | None
    errors: frozenset[str] = frozenset()
    condition: Evaluate | None = None


@dataclass(slots=True)
class State:
    """One state; `next` is None where it ends its scope."""

    name: str
    type: str
    body: Mapping[str, Any]
    leave: Rule
    entered: str = ""  # beginnings of history events, so that only what varies is formatted per event
    exited: str = ""
    quoted: str = ""
    quoted_resource: str = ""
    arguments: Evaluate | None = None
    resource: str = ""
    token: bool = False
    retriers: list[Retrier] = field(default_factory=list)
    catchers: list[Rule] = field(default_factory=list)
    timeout: Evaluate | None = None
    heartbeat: Evaluate | None = None
    choices: list[Rule] = field(default_factory=list)
    seconds: Evaluate | None = None
    timestamp: Evaluate | None = None
    error: Evaluate | None = None
    cause: Evaluate | None = None
    branches: list["Scope"] = field(default_factory=list)
    items: Evaluate | None = None
    item_selector: Evaluate | None = None
    batch_input: Evaluate | None = None
    batch_size: Evaluate | None = None
    max_concurrency: Evaluate | None = None
    tolerated_count: Evaluate | None = None
    tolerated_percentage: Evaluate | None = None
    distributed: bool = False
    uses_state_context: bool = True


@dataclass(slots=True)
class Scope:
    """A set of states with a start: the machine, a branch of a Parallel, the processor of a Map."""

    start: str
    states: dict[str, State]


@dataclass(slots=True)
class Machine:
    """A registered workflow. `digest` names this very text of it; `timeout` in seconds, uncatchable."""

    name: str
    scope: Scope
    timeout: float | None
    digest: str
    text: str


def compile_machine(name: str, document: Document) -> Machine:
    """Compile a substituted document.

    Raises:
        StateMachineFileError: something in the file is not supported; file, line and state are named.
    """
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    fields.check_top(document)
    timeout = document.get("TimeoutSeconds")
    scope = _Compiler(document).scope(document, None, frozenset(), inside_map=False)
    digest = hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:32]
    return Machine(name, scope, timeout, digest, text)


class _Compiler:
    def __init__(self, document: Document) -> None:
        self._document = document

    def scope(
        self, body: Mapping[str, Any], owner: str | None, outer: frozenset[str], *, inside_map: bool
    ) -> Scope:
        """`outer` are the variables of the enclosing scopes: readable here, assignable only there."""
        fields.check_reachable(self._document, body, owner, targets)
        own = frozenset(name for state in body["States"].values() for name in _assigned(state))
        states = {}
        for name, state in body["States"].items():
            fields.check_state(self._document, name, state)
            shadowed = sorted(set(_assigned(state)) & outer)
            if shadowed:
                raise self._document.error(
                    f"state {name}: ${shadowed[0]} belongs to an outer scope and cannot be assigned here",
                    name,
                )
            try:
                states[name] = self._state(name, state, own | outer, inside_map=inside_map)
            except ExpressionRefused as error:
                raise self._document.error(f"state {name}: {error}", name) from error
        return Scope(body["StartAt"], states)

    def _state(
        self, name: str, body: Mapping[str, Any], visible: frozenset[str], *, inside_map: bool
    ) -> State:
        kind = body["Type"]
        here = ITEM if inside_map else frozenset()

        def template(key: str, extra: frozenset[str] = frozenset(), source: Any = body) -> Evaluate | None:
            return compile_template(source[key], key, allowed=here | extra) if key in source else None

        def rule(source: Mapping[str, Any], extra: frozenset[str]) -> Rule:
            return Rule(
                next=source.get("Next"),
                assign=template("Assign", extra, source),
                output=template("Output", extra, source),
                errors=frozenset(source.get("ErrorEquals", ())),
                condition=template("Condition", source=source),
            )

        resource = body.get("Resource", "")
        token = resource.endswith(fields.TOKEN_SUFFIX)
        has_result = RESULT if kind in ("Task", "Parallel", "Map") else frozenset[str]()
        leave = rule({**body, "Next": body.get("Default")} if kind == "Choice" else body, has_result)
        state = State(name, kind, body, leave)
        state.quoted = json.dumps(name)
        state.entered = f'"{kind}StateEntered",{{"name":{state.quoted},"input":'
        state.exited = f'"{kind}StateExited",{{"name":{state.quoted},"output":'
        state.arguments = template("Arguments", TOKEN if token else frozenset())
        state.resource, state.token = fields.service_of(resource), token
        state.quoted_resource = json.dumps(state.resource)
        state.uses_state_context = _uses_state_context(body)
        state.retriers = [_retrier(entry) for entry in body.get("Retry", [])]
        state.catchers = [rule(entry, ERROR) for entry in body.get("Catch", [])]
        state.choices = [rule(entry, frozenset()) for entry in body.get("Choices", [])]
        state.timeout, state.heartbeat = template("TimeoutSeconds"), template("HeartbeatSeconds")
        state.seconds, state.timestamp = template("Seconds"), template("Timestamp")
        state.error, state.cause = template("Error"), template("Cause")
        if kind == "Map":
            self._map(state, template)
        for inner in scopes_of(body):
            nested_map = inside_map if kind == "Parallel" else not state.distributed
            outer = frozenset[str]() if state.distributed else visible
            state.branches.append(self.scope(inner, name, outer, inside_map=nested_map))
        return state

    def _map(self, state: State, template: Callable[..., Evaluate | None]) -> None:
        body = state.body
        mode = body["ItemProcessor"].get("ProcessorConfig", {}).get("Mode", "INLINE")
        state.distributed = mode == "DISTRIBUTED"
        state.items = template("Items")
        state.item_selector = template("ItemSelector", ITEM)
        state.max_concurrency = template("MaxConcurrency")
        state.tolerated_count = template("ToleratedFailureCount")
        state.tolerated_percentage = template("ToleratedFailurePercentage")
        batcher = body.get("ItemBatcher", {})
        state.batch_size = template("MaxItemsPerBatch", source=batcher)
        state.batch_input = template("BatchInput", source=batcher)


def _retrier(entry: Mapping[str, Any]) -> Retrier:
    return Retrier(
        errors=frozenset(entry["ErrorEquals"]),
        interval=float(entry.get("IntervalSeconds", 1)),
        attempts=int(entry.get("MaxAttempts", 3)),
        backoff=float(entry.get("BackoffRate", 2.0)),
        max_delay=entry.get("MaxDelaySeconds"),
        jitter=entry.get("JitterStrategy", "NONE") == "FULL",
    )


_ELSEWHERE = re.compile(r"\$states\.(input|result|errorOutput|context\.(Execution|StateMachine|Task|Map))\b")


def _uses_state_context(body: Mapping[str, Any]) -> bool:
    """Whether an expression may look at `$states.context.State`; formatting its time is not free."""
    own = {key: value for key, value in body.items() if key not in ("Branches", "ItemProcessor")}
    return "$states" in _ELSEWHERE.sub("", json.dumps(own))


def _assigned(body: Mapping[str, Any]) -> list[str]:
    """The variables a state sets: by itself, by its choices, by its catchers."""
    rules = [body, *body.get("Choices", []), *body.get("Catch", [])]
    return [name for rule in rules for name in rule.get("Assign", {})]
