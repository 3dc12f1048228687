"""The gate in front of every route: who calls, as the authorizer said, against who may, as the catalog says.

One piece of code on AWS and on one machine: the authorizer only names the caller (docs/adr/0030).
"""

from collections.abc import Mapping
from typing import Any

from usher.bootstrap.policies import routes
from usher.domain.access import Caller, permit
from usher.domain.errors import RetryableError

OUTAGE = "outage"  # what the authorizer says when it could not find out


def caller_of(event: Mapping[str, Any]) -> Caller:
    """The caller the authorizer named; one without a subject when it named none.

    Raises RetryableError when it could not find out: nobody is turned away for an outage of ours.
    """
    said = ((event["requestContext"].get("authorizer") or {}).get("lambda")) or {}
    if said.get(OUTAGE):
        raise RetryableError("the authorizer could not find out who calls")
    return Caller(said.get("subject") or "", said.get("role") or "")


def admitted(route: str, event: Mapping[str, Any]) -> Caller:
    """The caller of this route (`METHOD /path`), who may use it. Raises Problem 401, 403; RetryableError."""
    entry = routes().get(route)
    caller = caller_of(event) if entry is None or entry.access == "token" else Caller("")
    permit(caller, entry)
    return caller
