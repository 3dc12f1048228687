"""Who may call which route: roles, the caller as the authorizer names it, the refusal of everybody else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from usher.domain.problems import Problem

ROLES = ("viewer", "support", "billing", "admin")
"""Of people: each may do what the former may."""
PRODUCT = "product"
"""The product's backend: it sees every account, and is none of the above."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `subject` is a user name or `token:` and a short id, never a token; "" is nobody we know."""

    subject: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """Who may use a route: anybody (public, or signed and checked by its handler), or these roles (token)."""

    access: str
    roles: tuple[str, ...] = field(default=())
    why: str = ""


def at_least(role: str, *others: str) -> tuple[str, ...]:
    """This role and those above it, and `others`. Raises ValueError for a role that does not exist."""
    return (*others, *ROLES[ROLES.index(role) :])


def highest(groups: Iterable[str]) -> str:
    """The highest role among a person's groups, "" when none of them is a role."""
    mine = set(groups)
    return next((role for role in reversed(ROLES) if role in mine), "")


def access_list(content: Mapping[str, Any]) -> dict[str, RouteAccess]:
    """`METHOD /path` to who may use it, from JSON that `infra.policy_files` rendered out of the catalog."""
    return {
        route: RouteAccess(entry["access"], tuple(entry["roles"]), entry["why"])
        for route, entry in content.items()
    }


def permit(caller: Caller, entry: RouteAccess | None) -> None:
    """Let the caller pass, or raise Problem 401 (nobody we know) or 403 (known, and not allowed).

    A route that the list lacks is nobody's.
    """
    if entry is not None and entry.access != "token":
        return
    if not caller.subject:
        detail = "Send a valid token as Authorization: Bearer TOKEN"
        raise Problem(401, "Unauthorized", detail, headers={"www-authenticate": "Bearer"})
    if entry is None or caller.role not in entry.roles:
        needed = f"; it takes one of {', '.join(entry.roles)}" if entry else ""
        raise Problem(403, "Forbidden", f"This token's role may not do this{needed}")
