"""`usher invitations`: keys to the beta phase, made, listed and revoked."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from rich.markup import escape

from infra.local.cli import view
from infra.local.cli.operator import Operator


def run(
    *,
    data: Path,
    url: str | None,
    token: str | None,
    create: dict[str, Any] | None = None,
    state: str = "open",
    revoke: str | None = None,
) -> int:
    """Do it and print what came of it; returns 0. Raises Refused."""
    operator = Operator.of(data, url=url, token=token)
    if create is not None:
        for each in operator.ask("POST", "/v1/invitations", create)["items"]:
            print(each["link"])
    elif revoke is not None:
        operator.ask("POST", f"/v1/invitations/{quote(revoke, safe='')}/revoke", {})
        print(f"{revoke} is revoked")
    else:
        _list(operator, state)
    return 0


def _list(operator: Operator, state: str) -> None:
    console, query = view.console(), {"state": state, "limit": "100"}
    while True:
        page = operator.ask("GET", f"/v1/invitations?{urlencode(query)}")
        for each in page["items"]:
            said = "expired" if each["expired"] else each["state"]
            used = f", used by {each['signup_id']}" if "signup_id" in each else ""
            note = f"  {escape(each['note'])}" if "note" in each else ""
            console.print(f"{each['invitation_id']}  {said} until {each['expires_at'][:10]}{used}{note}")
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]
