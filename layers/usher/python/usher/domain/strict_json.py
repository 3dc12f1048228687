"""JSON from strangers: UTF-8, finite numbers, unique keys, bounded depth, no NUL, no lone surrogate."""

import json
import math
import re
from typing import Any, NoReturn

from usher.domain.problems import malformed

MAX_DEPTH = 32
# A text without its closing quote runs to the end: looking for a new beginning at each quote would take
# quadratic time.
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse(body: bytes) -> Any:
    """The JSON value. Raises Problem 400 that says what is wrong, never quoting the content."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(f"The body is not valid UTF-8 (byte {error.start})") from error
    _refuse_depth(body)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise malformed(f"The body is not valid JSON: line {error.lineno}, column {error.colno}") from error
    except (RecursionError, ValueError) as error:  # ValueError: an integer of more than 4,300 digits
        raise malformed("The body is not acceptable JSON: a number or a nesting is out of bounds") from error
    if "\\u" in text and (_has_bad_text(value)):
        raise malformed("The body holds a NUL character or half of a surrogate pair")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise malformed(f"The body holds {name}, which is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # 1e999 is good JSON and no number a machine can hold
        raise malformed("The body holds a number that is out of bounds")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise malformed("The body names a key twice in one object")
    return result


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique
)  # made once: json.loads with options makes one for each call


def _refuse_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for mark in _TEXTS.sub(b"", body).translate(None, _NO_BRACKETS):
        if mark in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise malformed(f"The body nests deeper than {MAX_DEPTH} levels")
        else:
            depth -= 1


def _has_bad_text(value: Any) -> bool:
    if isinstance(value, str):
        return any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, dict):
        return any(_has_bad_text(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_has_bad_text(item) for item in value)
    return False
