"""Who may call a route: the roles of people, and the kinds of routes there are by how a caller is known."""

from infra.catalog_entries import Route
from usher.domain.access import ROLES, at_least

# Each role of people includes the former ones.
VIEWER, SUPPORT, BILLING, ADMIN = (at_least(role) for role in ROLES)

API = "operations/api"  # the one function behind the routes of the operator API


def by_token(
    method: str,
    path: str,
    roles: tuple[str, ...],
    why: str,
    *,
    function: str = API,
    rate_per_second: int = 100,
    burst: int = 200,
) -> Route:
    """A route for callers whose token has one of these roles."""
    return Route(method, path, function, "token", roles, rate_per_second, burst, why)


def signed(
    method: str, path: str, function: str, why: str, *, rate_per_second: int = 100, burst: int = 200
) -> Route:
    """A route whose function checks a signature: that of a webhook's body, or the one in a link."""
    return Route(method, path, function, "signed", (), rate_per_second, burst, why)


def public(
    path: str, why: str, *, function: str = API, rate_per_second: int = 100, burst: int = 200
) -> Route:
    """A page or list that anybody may read."""
    return Route("GET", path, function, "public", (), rate_per_second, burst, why)
