"""Renders Postmark's template language, Mustachio, as far as mail templates use it.

Values `{{name}}` and `{{a.b}}` are escaped, `{{{name}}}` are not; `{{#name}}…{{/name}}` shows when there is
a value and steps into an object, `{{#each list}}…{{/each}}` repeats, `{{^name}}…{{/name}}` shows when there
is none; `{{.}}` is the current value. https://postmarkapp.com/support/article/1077-template-syntax
"""

import html
import re
from typing import Any

_TAG = re.compile(r"\{\{\{\s*([\w.@]+)\s*\}\}\}|\{\{\s*([#^/]?)\s*(each\s+)?([\w.@]+)\s*\}\}")


class TemplateError(ValueError):
    """The template's sections do not match."""


def render(template: str, model: Any, *, escape: bool) -> str:
    """The text for a model; a missing value renders as nothing. Raises TemplateError."""
    text, _ = _block(list(_pieces(template)), 0, None, [model], escape)
    return text


def check(template: str) -> None:
    """Raise TemplateError when the template cannot be rendered."""
    render(template, {}, escape=False)


def _pieces(template: str) -> Any:
    at = 0
    for tag in _TAG.finditer(template):
        yield template[at : tag.start()]
        yield tag
        at = tag.end()
    yield template[at:]


def _block(
    pieces: list[Any], at: int, name: str | None, scopes: list[Any], escape: bool, shown: bool = True
) -> tuple[str, int]:
    """Text of the pieces up to the end of section `name`, and the index after it."""
    out: list[str] = []
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if isinstance(piece, str):
            out.append(piece if shown else "")
            continue
        raw, mark, each, key = piece.groups()
        if mark == "/":
            if key != name:
                raise TemplateError(f"section {name or '(none)'} ends with {key}")
            return "".join(out), at
        if not mark:
            value = _value(scopes, raw or key) if shown else None
            text = "" if value is None else str(value)
            out.append(text if raw or not escape else html.escape(text))
            continue
        inner, end = _section(pieces, at, mark, bool(each), key, scopes, escape, shown)
        out.append(inner)
        at = end
    if name is not None:
        raise TemplateError(f"section {name} has no end")
    return "".join(out), at


def _section(
    pieces: list[Any],
    at: int,
    mark: str,
    each: bool,
    key: str,
    scopes: list[Any],
    escape: bool,
    shown: bool,
) -> tuple[str, int]:
    end = "each" if each else key
    value = _value(scopes, key) if shown else None
    there = value not in (None, False, "", [], {})
    if mark == "^" or not there:
        return _block(pieces, at, end, scopes, escape, shown and (mark == "^") != there)
    values = value if each and isinstance(value, list) else [value]
    rendered = [_block(pieces, at, end, [*scopes, item], escape) for item in values]
    return "".join(text for text, _ in rendered), rendered[0][1]


def _value(scopes: list[Any], key: str) -> Any:
    if key == ".":
        return scopes[-1]
    first, *rest = key.split(".")
    for scope in reversed(scopes):
        if isinstance(scope, dict) and first in scope:
            value = scope[first]
            for name in rest:
                value = value.get(name) if isinstance(value, dict) else None
            return value
    return None
