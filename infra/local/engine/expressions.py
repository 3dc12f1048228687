"""JSONata in `{% %}` strings: compiled once when a file is registered, evaluated on every transition.

A pure path such as `$states.input.items[0].id`, alone or compared with a literal, is walked in plain Python;
where JSONata would do more than walk (map over an array, unwrap), it falls back to jsonata-python. That
library answers None for null and for nothing alike unless told otherwise, so null travels as its own value.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException
from jsonata.utils import Utils

from infra.local.engine.errors import QUERY_EVALUATION, StateError

Bindings = Mapping[str, Any]  # variable name -> value; `states` is the reserved one
Evaluate = Callable[[Bindings], Any]

UNDEFINED = object()
_FALL_BACK = object()

_PATH = re.compile(r"^\$([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\[\d+\])*)$")
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_COMPARISON = re.compile(r"""^(\S+) (=|!=) ('[^'\\]*'|"[^"\\]*"|-?\d{1,15}|true|false)$""")
_STRING_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_CALL = re.compile(r"\$([A-Za-z_]\w*)\s*\(")
# Different on every evaluation, so a resumed execution would decide differently; `$eval` is refused by AWS.
_REFUSED_FUNCTIONS = {"now", "millis", "random", "eval"}
_FUNCTIONS = set(Jsonata.static_frame.bindings) - _REFUSED_FUNCTIONS


class ExpressionRefused(ValueError):
    """An expression cannot be used here; the message says why."""


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def compile_template(template: Any, where: str, *, allowed: frozenset[str] = frozenset()) -> Evaluate:
    """A function that fills a JSON template: each `{% %}` string inside is replaced by its value.

    Args:
        where: the field, for error messages, as `Arguments/Payload/email`.
        allowed: which of `result`, `errorOutput`, `context.Task`, `context.Map` exist in this field.

    Raises:
        ExpressionRefused: a syntax error, an unsupported function, or a `$states` field that is not there.
    """
    if is_expression(template):
        return _compile_expression(template[2:-2].strip(), where, allowed)
    if isinstance(template, str) and ("{%" in template[:3] or "%}" in template[-3:]):
        raise ExpressionRefused(f"{where}: an expression is the whole string, from '{{%' to '%}}'")
    if isinstance(template, dict):
        members = {k: compile_template(v, f"{where}/{k}", allowed=allowed) for k, v in template.items()}
        if all(hasattr(member, "constant") for member in members.values()):
            return _constant(template)
        pairs = list(members.items())
        return lambda bindings: {key: member(bindings) for key, member in pairs}
    if isinstance(template, list):
        items = [compile_template(v, f"{where}[{i}]", allowed=allowed) for i, v in enumerate(template)]
        if all(hasattr(item, "constant") for item in items):
            return _constant(template)
        return lambda bindings: [item(bindings) for item in items]
    return _constant(template)


def _constant(value: Any) -> Evaluate:
    def evaluate(_: Bindings) -> Any:
        return value

    evaluate.constant = True  # type: ignore[attr-defined]  # lets the template around it be constant too
    return evaluate


def _compile_expression(text: str, where: str, allowed: frozenset[str]) -> Evaluate:
    _refuse_what_is_not_there(text, where, allowed)
    fast = fast_lane(text)
    if fast is None:  # what the fast lane takes is JSONata; of those few ever need the parser, which is slow
        try:
            _jsonata(text)
        except JException as error:
            raise ExpressionRefused(f"{where}: {text!r} is not JSONata: {error}") from error

    def evaluate(bindings: Bindings) -> Any:
        value = fast(bindings) if fast is not None else _FALL_BACK
        if value is _FALL_BACK:
            try:
                value = _jsonata(text)(bindings)
            except Exception as error:  # jsonata-python lets any Python error out
                raise StateError(
                    QUERY_EVALUATION, f"The JSONata expression '{text}' in {where} failed: {error}"
                ) from error
        if value is UNDEFINED:
            raise StateError(
                QUERY_EVALUATION, f"The JSONata expression '{text}' in {where} returned nothing (undefined)."
            )
        return value

    return evaluate


def _refuse_what_is_not_there(text: str, where: str, allowed: frozenset[str]) -> None:
    code = _STRING_LITERAL.sub("''", text)
    for name in _CALL.findall(code):
        if name in _REFUSED_FUNCTIONS or (name not in _FUNCTIONS and not _is_local(name, code)):
            raise ExpressionRefused(f"{where}: the function ${name} is not supported")
    for field in ("result", "errorOutput"):
        if field not in allowed and re.search(rf"\$states\.{field}\b", code):
            raise ExpressionRefused(f"{where}: $states.{field} does not exist here")
    for field in ("Task", "Map"):
        if f"context.{field}" not in allowed and re.search(rf"\$states\.context\.{field}\b", code):
            raise ExpressionRefused(f"{where}: $states.context.{field} does not exist here")
    for name in re.findall(r"\$states\.([A-Za-z_]\w*)", code):
        if name not in ("input", "context", "result", "errorOutput"):
            raise ExpressionRefused(f"{where}: $states has no field {name}")


def _is_local(name: str, code: str) -> bool:
    return re.search(rf"\${name}\s*:=|function\s*\([^)]*\${name}\b", code) is not None


@cache
def _jsonata(text: str) -> Evaluate:
    """The expression by jsonata-python, parsed once; answers UNDEFINED where that library answers None."""
    expression = Jsonata(text)
    expression.set_validate_input(False)
    expression.set_output_convert_nulls(False)

    def evaluate(bindings: Bindings) -> Any:
        bound = {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}
        return _plain(expression.evaluate(None, bound), top=True)

    return evaluate


def _plain(value: Any, *, top: bool = False) -> Any:
    """jsonata-python's value as JSON data: its null, its list classes and its missing value translated."""
    if value is None:
        return UNDEFINED if top else None
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(value[index]) for index in range(len(value))]  # its ranges iterate one short
    raise TypeError("the result is a function, not data")


def fast_lane(text: str) -> Evaluate | None:
    """The expression in plain Python when it is a path or compares one with a literal, else None.

    The function answers a value, UNDEFINED, or a mark that says JSONata must decide this one.
    """
    comparison = _COMPARISON.match(text)
    if comparison is None:
        return _path(text)
    path = _path(comparison.group(1))
    if path is None:
        return None
    literal = comparison.group(3)
    expected = literal[1:-1] if literal[0] in "'\"" else json.loads(literal)
    kinds = (int, float) if type(expected) is int else (type(expected),)
    equal = comparison.group(2) == "="

    def compare(bindings: Bindings) -> Any:
        value = path(bindings)
        if value is _FALL_BACK:
            return value
        if value is UNDEFINED:
            return False  # JSONata: nothing is neither equal nor unequal to anything
        return (type(value) in kinds and value == expected) is equal

    return compare


def _path(text: str) -> Evaluate | None:
    match = _PATH.match(text)
    if match is None:
        return None
    variable = match.group(1)
    steps: list[str | int] = [name or int(index) for name, index in _STEP.findall(match.group(2))]

    def walk(bindings: Bindings) -> Any:
        value = bindings.get(variable, UNDEFINED)
        if value is UNDEFINED:
            return _FALL_BACK  # may be the name of a function
        for step in steps:
            if type(step) is str:
                if type(value) is not dict:
                    return _FALL_BACK
                value = value.get(step, UNDEFINED)
                if value is UNDEFINED:
                    return UNDEFINED
            else:
                if type(value) is not list or not value:
                    return _FALL_BACK
                index: Any = step
                if index >= len(value):
                    return UNDEFINED
                value = value[index]
                if type(value) is list:
                    return _FALL_BACK
        return value

    return walk
