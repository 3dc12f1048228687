"""Python source as a syntax tree, by one thread at a time.

CPython 3.11 counts how deep it is inside a tree for all threads together: two that parse at once can end in
"SystemError: AST constructor recursion depth mismatch". Stand-ins in threads of one process read their SDKs'
sources whenever they first need them.
"""

import ast
import threading
from typing import Any

_PARSING = threading.Lock()


def module(text: str) -> ast.Module:
    """The tree of a file."""
    with _PARSING:
        return ast.parse(text)


def expression(text: str) -> ast.expr:
    """The tree of an expression."""
    with _PARSING:
        return ast.parse(text, mode="eval").body


def literal(text: str) -> Any:
    """The value of a literal."""
    return ast.literal_eval(expression(text.strip()))
