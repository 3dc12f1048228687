"""`usher beta migrate`: the Beta plan ends for some customers or all, each with a special offer."""

from pathlib import Path
from typing import Any

from infra.local.cli.operator import Operator
from infra.local.cli.refusal import Refused

_AT_ONCE = 25  # what one request takes


def run(
    *,
    accounts: list[str] | None,
    everybody: bool,
    body: dict[str, Any],
    data: Path,
    url: str | None,
    token: str | None,
) -> int:
    """Migrate and print each account's outcome; returns 1 when one is not on the Beta plan, else 0.

    It may be run again: who is migrated already is left as it is. Raises Refused.
    """
    if bool(accounts) == everybody:
        raise Refused("name the accounts, or --all")
    operator = Operator.of(data, url=url, token=token, role="billing")
    wanted = {name: value for name, value in body.items() if value is not None}
    good = True
    for some in _batches(accounts):
        cursor: dict[str, Any] = {}
        while True:
            page = operator.ask("POST", "/v1/beta/migrations", {**wanted, **some, **cursor})
            for each in page["items"]:
                print(f"{each['account_id']}  {each['outcome']}")
                good = good and each["outcome"] in {"migrating", "already"}
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    return 0 if good else 1


def _batches(accounts: list[str] | None) -> list[dict[str, Any]]:
    if not accounts:
        return [{"all": True}]
    return [{"accounts": accounts[at : at + _AT_ONCE]} for at in range(0, len(accounts), _AT_ONCE)]
