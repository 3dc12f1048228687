"""`usher reconcile`: what Usher holds is compared with what Stripe holds, followed live, told as a table."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.local.cli import view
from infra.local.cli.operator import Operator

PAUSE = 0.3  # seconds between looks at a run
Ask = Callable[..., dict[str, Any]]


def run(
    *,
    since: str | None,
    until: str | None,
    heal: bool,
    as_json: bool,
    data: Path,
    url: str | None,
    token: str | None,
) -> int:
    """Start a run or join the one that goes on, and follow it; returns 1 when something is left open.

    Raises Refused, as when another run goes on.
    """
    operator, console = Operator.of(data, url=url, token=token, role="billing"), view.console()
    days = {"from": since, "to": until}
    body = {name: value for name, value in days.items() if value} | {"heal": heal}
    begun = operator.ask("POST", "/v1/reconciliations", body)
    ended = follow(operator.ask, begun["reconciliation_id"], console, quiet=as_json)
    found = list(mismatches(operator.ask, begun["reconciliation_id"]))
    if as_json:
        print(json.dumps({"reconciliation": ended, "mismatches": found}, indent=2))
    else:
        tell(console, ended, found)
    return 0 if ended["state"] == "done" and not ended["counts"]["open"] else 1


def follow(ask: Ask, run_id: str, console: Console, *, quiet: bool = False) -> dict[str, Any]:
    """Show a run's progress until it has ended; returns it then."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        bar = progress.add_task("planning", total=None)
        while True:
            now = ask("GET", f"/v1/reconciliations/{run_id}")
            at = now["progress"]
            looking = f"{at['compared']} compared, {at['suspected']} looked at again"
            progress.update(bar, description=looking, total=at["slices"], completed=at["slices_done"])
            if now["state"] != "running":
                return now
            time.sleep(PAUSE)


def mismatches(ask: Ask, run_id: str) -> Iterator[dict[str, Any]]:
    """All that a run found."""
    cursor = ""
    while True:
        page = ask("GET", f"/v1/mismatches?reconciliation_id={run_id}&limit=100{cursor}")
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = f"&cursor={page['next_cursor']}"


def tell(console: Console, run: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """The run in two lines, and what it found as a table."""
    if run["state"] != "done":
        console.print(f"{run['reconciliation_id']} has failed: `usher failures` says why", markup=False)
        return
    if found:
        console.print(table(found))
    counts = run["counts"]
    compared = ", ".join(f"{n} {kind}s" for kind, n in counts["compared"].items() if kind != "all")
    console.print(f"{run['reconciliation_id']}: {compared} compared", markup=False)
    console.print(f"{counts['found']} differ: {counts['healed']} healed, {counts['open']} open")


def table(found: list[dict[str, Any]]) -> Table:
    """One row each: what it is, how it differs, and what became of it."""
    shown = Table("object", "what differs", "at Stripe", "here", "state", box=None, pad_edge=False)
    for each in found:
        fields = [field for field in each["fields"] if field != each["kind"]]
        what = "\n".join([each["kind"].replace("_", " "), *fields])
        state = (
            "[green]healed[/]" if each["state"] == "healed" else f"{each['state']}\n{escape(each['reason'])}"
        )
        shown.add_row(each["object_id"], what, side(each.get("there")), side(each.get("here")), state)
    return shown


def side(of: dict[str, Any] | None) -> str:
    """One side in a few words."""
    if of is None:
        return "–"
    amounts = " ".join(f"{name.removesuffix('_minor')} {value}" for name, value in of["amounts"].items())
    return escape(
        "\n".join(text for text in (of["status"], f"{amounts} {of['currency'] or ''}".strip()) if text)
    )
