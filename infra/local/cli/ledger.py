"""`usher ledger`: the trial balance, a customer's statement, and what the ledger cannot post yet."""

from pathlib import Path
from urllib.parse import urlencode

from rich.markup import escape
from rich.table import Table

from infra.local.cli import view
from infra.local.cli.operator import Operator

_REPORTS = "/v1/reports/ledger"


def run(
    *,
    what: str,
    query: dict[str, str | None],
    data: Path,
    url: str | None,
    token: str | None,
) -> int:
    """Print a report as CSV, or the quarantine as a table; returns 0. Raises Refused."""
    operator = Operator.of(data, url=url, token=token, role="viewer")
    given = {name: value for name, value in query.items() if value is not None}
    if what == "quarantine":
        _quarantine(operator)
    else:
        print(operator.text(f"{_REPORTS}/{what}.csv?{urlencode(given)}"), end="")
    return 0


def _quarantine(operator: Operator) -> None:
    shown = Table("fact", "account", "waits for", "reason", "since", box=None, pad_edge=False)
    cursor: dict[str, str] = {}
    while True:
        page = operator.ask("GET", f"/v1/ledger/quarantine?{urlencode({'limit': '100', **cursor})}")
        for each in page["items"]:
            since = each["since"][:16].replace("T", " ")
            told = (each["fact"], each["account_id"], each["waits_for"], each["reason"], since)
            shown.add_row(*map(escape, told))
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    if shown.row_count:
        view.console().print(shown)
    else:
        view.console().print("nothing waits: every fact is posted")
