"""Reads statemachines/*.asl.yaml: YAML with anchors in, States Language out, every complaint with its line.

The CDK builder and the local engine both read their workflows here, so both see the same document.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent / "statemachines"
SUFFIX = ".asl.yaml"
LAMBDA = "arn:aws:states:::lambda:invoke"
SQS = "arn:aws:states:::sqs:sendMessage"

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")
_ONE_PLACEHOLDER = re.compile(r"^\$\{([A-Za-z][A-Za-z0-9]*)\}$")


class StateMachineFileError(ValueError):
    """A workflow file cannot be used. The message starts with `file:line:`."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class Document(dict[str, Any]):
    """One workflow as JSON-like data that remembers which file and line each state came from."""

    def __init__(self, data: Mapping[str, Any], path: Path, lines: Mapping[str, int]) -> None:
        super().__init__(data)
        self.path = path
        self.lines = dict(lines)

    def error(self, problem: str, state: str | None = None) -> StateMachineFileError:
        """A complaint about `state` (or about the whole file), ready to be raised."""
        return StateMachineFileError(self.path, self.lines.get(state or "", 1), problem)


# libyaml reads ten times as fast as Python; every published wheel of PyYAML has it, other builds may not.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_SafeLoader):  # type: ignore[misc]  # one of two classes of the same methods
    """Safe YAML whose result is JSON: no dates, string keys only, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} must be a string; quote it", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key.value!r} appears twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def _finite_float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    value = loader.construct_yaml_float(node)
    if not math.isfinite(value):
        raise yaml.MarkedYAMLError(problem=f"{node.value} is no JSON number", problem_mark=node.start_mark)
    return value


StrictLoader.add_constructor("tag:yaml.org,2002:float", _finite_float)
StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(name_or_path: str | Path) -> Document:
    """The workflow `statemachines/<name>.asl.yaml`, or the file at a path; top-level `x-` keys are dropped.

    Raises:
        StateMachineFileError: the file is missing, is not YAML, is not JSONata States Language in outline,
            names a state twice, or points at a state that does not exist. Fields are checked by the builders.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and not name_or_path.endswith((".yaml", ".yml", ".json")):
        path = FOLDER / f"{name_or_path}{SUFFIX}"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StateMachineFileError(path, 1, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StateMachineFileError(path, 1, "is not UTF-8") from error
    loader = StrictLoader(text)
    try:
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise StateMachineFileError(path, mark.line + 1 if mark else 1, str(error.problem)) from error
    except yaml.YAMLError as error:
        raise StateMachineFileError(path, 1, f"is not YAML: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(data, dict):
        raise StateMachineFileError(path, 1, "must be a mapping with StartAt and States")
    document = Document(
        {key: value for key, value in data.items() if not key.startswith("x-")},
        path,
        dict(_state_lines(node)),
    )
    _check_outline(document)
    return document


def states(scope: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a document with its body, those inside Parallel branches and Map processors included."""
    for name, body in scope.get("States", {}).items():
        yield name, body
        for inner in scopes_of(body):
            yield from states(inner)


def scopes_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The sub-machines of a state: a Parallel's branches, a Map's item processor."""
    inner = list(body.get("Branches", []))
    if "ItemProcessor" in body:
        inner.append(body["ItemProcessor"])
    return [scope for scope in inner if isinstance(scope, dict)]


def distributed(body: Mapping[str, Any]) -> bool:
    """Whether a state is a Map whose items are executions of their own."""
    config = body.get("ItemProcessor", {}).get("ProcessorConfig", {})
    return bool(config.get("Mode") == "DISTRIBUTED")


def lambda_steps(document: Mapping[str, Any]) -> list[str]:
    """The `${Name}` placeholders used as FunctionName, in order of appearance, each once."""
    found = (
        _ONE_PLACEHOLDER.match(str(_arguments(body).get("FunctionName", ""))) for _, body in states(document)
    )
    return list(dict.fromkeys(match.group(1) for match in found if match))


def queue_names(document: Mapping[str, Any]) -> list[str]:
    """The `${Name}` placeholders used as QueueUrl, in order of appearance, each once."""
    found = (
        _ONE_PLACEHOLDER.match(str(body["Arguments"].get("QueueUrl", "")))
        for _, body in states(document)
        if str(body.get("Resource", "")).startswith(SQS) and isinstance(body.get("Arguments"), dict)
    )
    return list(dict.fromkeys(match.group(1) for match in found if match))


def names(document: Mapping[str, Any]) -> list[str]:
    """All other `${Name}` placeholders (state machines, the bus), in order of appearance."""
    known = {*lambda_steps(document), *queue_names(document)}
    return [name for name in dict.fromkeys(_placeholders(document)) if name not in known]


def substitute(document: Document, mapping: Mapping[str, str]) -> Document:
    """A copy with every `${Name}` replaced by `mapping[Name]`.

    Raises:
        StateMachineFileError: the file uses a name the mapping lacks.
    """
    for state, body in states(document):
        own = {key: value for key, value in body.items() if key not in ("Branches", "ItemProcessor")}
        for name in _placeholders(own):
            if name not in mapping:
                raise document.error(f"state {state}: nothing is called ${{{name}}}", state)
    for name in _placeholders(document):
        if name not in mapping:
            raise document.error(f"nothing is called ${{{name}}}")
    return Document(_replaced(dict(document), mapping), document.path, document.lines)


def _replaced(node: Any, mapping: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(value, mapping) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, mapping) for value in node]
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: mapping[match.group(1)], node)
    return node


def _placeholders(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _placeholders(value)
    elif isinstance(node, list):
        for value in node:
            yield from _placeholders(value)
    elif isinstance(node, str):
        yield from _PLACEHOLDER.findall(node)


def _arguments(body: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = body.get("Arguments", {})
    is_lambda = str(body.get("Resource", "")).startswith(LAMBDA)
    return arguments if is_lambda and isinstance(arguments, dict) else {}


def _state_lines(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Where each state's name stands; an aliased state counts where it was written."""
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _state_lines(child)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if key.value == "States" and isinstance(value, yaml.MappingNode):
            for name, body in value.value:
                yield str(name.value), name.start_mark.line + 1
                yield from _state_lines(body)
        elif key.value in ("Branches", "ItemProcessor"):
            yield from _state_lines(value)


def _check_outline(document: Document) -> None:
    if document.get("QueryLanguage") != "JSONata":
        raise document.error("QueryLanguage must be JSONata; nothing else is supported")
    seen: set[str] = set()
    _check_scope(document, document, None, seen)


def _check_scope(document: Document, scope: Any, owner: str | None, seen: set[str]) -> None:
    place = f"state {owner}: " if owner else ""
    if not isinstance(scope, dict) or not isinstance(scope.get("States"), dict) or not scope["States"]:
        raise document.error(f"{place}States must name at least one state", owner)
    if scope.get("StartAt") not in scope["States"]:
        raise document.error(f"{place}StartAt names {scope.get('StartAt')!r}, which is no state here", owner)
    for name, body in scope["States"].items():
        if name in seen:
            raise document.error(f"state {name} appears twice; names are unique in the whole file", name)
        seen.add(name)
        if not isinstance(body, dict) or "Type" not in body:
            raise document.error(f"state {name} needs a Type", name)
        for target in targets(body):
            if target not in scope["States"]:
                raise document.error(f"state {name} goes to {target!r}, which is no state here", name)
        for inner in scopes_of(body):
            _check_scope(document, inner, name, seen)


def targets(body: Mapping[str, Any]) -> list[Any]:
    """The states that `body` may go to next: Next, Default, and those of its choices and catchers."""
    rules = [rule for key in ("Choices", "Catch") for rule in body.get(key, []) if isinstance(rule, dict)]
    found = [body.get("Next"), body.get("Default"), *(rule.get("Next") for rule in rules)]
    return [target for target in found if target is not None]
