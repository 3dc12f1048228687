"""`usher failures`: what failed for good, whose it is, why and since when."""

import json
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from infra.local.cli import view
from infra.local.cli.operator import Operator


def run(*, state: str, as_json: bool, data: Path, url: str | None, token: str | None) -> int:
    """Print them; returns 0. Raises Refused."""
    found = list(Operator.of(data, url=url, token=token).failures(state))
    if as_json:
        print(json.dumps(found, indent=2))
    elif found:
        view.console().print(table(found))
    else:
        view.console().print(f"no failure is {state}")
    return 0


def table(failures: list[dict[str, Any]]) -> Table:
    """One row each; their ids are what `usher redrive` takes."""
    shown = Table("failure", "what", "whose", "reason", "since", "tries", box=None, pad_edge=False)
    for each in failures:
        what = f"{each['kind']}: {each['step']}"
        whose = each["subject"] if "account_id" not in each else f"{each['account_id']}\n{each['subject']}"
        since = each["since"][:16].replace("T", " ")
        advice = f"\n→ {each['what_to_do']}" if "what_to_do" in each else ""  # an older Usher has none
        reason = escape(each["reason"] + advice)
        shown.add_row(each["failure_id"], what, escape(whose), reason, since, str(each["tries"]))
    return shown
