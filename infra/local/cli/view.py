"""How sign-ups look on a terminal: their steps while they happen, the table at the end, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from infra.local.cli.following import Followed
from usher.domain import times
from usher.domain.onboarding import WORK

LABELS = {
    "register_signup": "account",
    "create_billing_customer": "customer",
    "create_subscription": "subscription",
    "create_identity": "identity",
    "provision_tenant": "tenant",
    "issue_api_key": "API key",
    "activate_account": "active",
    "sync_crm": "CRM",
    "send_welcome_mail": "mail",
}
STYLES = {
    "active": "green",
    "failed": "red",
    "rolled_back": "magenta",
    "rejected": "magenta",
    "expired": "magenta",
    "degraded": "yellow",
}
_LANES = (("register_signup",), WORK[:2], WORK[2:5], *((step,) for step in WORK[5:]))
_LEGEND = " · ".join(" ".join(LABELS[step] for step in lane) for lane in _LANES)


@contextmanager
def live(console: Console, rows: Sequence[Followed]) -> Iterator[Callable[[Followed], None]]:
    """Shows the rows for the block; yields what to call when one changed."""
    if not console.is_terminal:
        yield _Lines(console).changed
        return
    screen = _Screen(rows)
    with Live(screen, console=console, refresh_per_second=12) as shown:
        yield lambda _: shown.refresh()


def console() -> Console:
    """Standard output; as wide as a wide table where it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 150)


class _Screen:
    """The live table; rich asks for it anew at each refresh."""

    def __init__(self, rows: Sequence[Followed]) -> None:
        self._rows = rows
        self._spinners = [Spinner("dots", style="cyan") for _ in rows]

    def __rich__(self) -> RenderableType:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for column in ("", "sign-up", "plan", "steps", "now", "s"):
            table.add_column(column, justify="right" if column == "s" else "left", no_wrap=column != "now")
        for row, spinner in zip(self._rows, self._spinners, strict=True):
            mark: RenderableType = spinner if not row.settled else _mark(row)
            table.add_row(mark, escape(row.who), row.plan, _steps(row), _now(row), f"{row.seconds:.1f}")
        return Group(table, Text(f"   steps: {_LEGEND}", style="dim"))


def _mark(row: Followed) -> Text:
    status = row.status["status"] if row.status else ""
    good = status == "active"
    return Text("✓" if good else "✗" if status == "failed" else "•", style=STYLES.get(status, "cyan"))


def _steps(row: Followed) -> Text:
    """A sign per step, lanes apart; billing and provisioning run side by side."""
    signs = Text()
    for number, lane in enumerate(_LANES):
        if number:
            signs.append("∥" if number == 2 else " ", style="dim")
        for step in lane:
            signs.append_text(_sign(row.step(step)))
    return signs


def _sign(step: dict[str, Any]) -> Text:
    if not step:
        return Text("·", style="dim")
    if step["status"] == "done":
        return Text("●", style="yellow" if step["attempts"] > 1 else "green")
    if step["status"] == "failed":
        return Text("✗", style="bold red")
    if step["status"] == "waiting":
        return Text("…", style="cyan")
    return Text("↻", style="yellow")


def _now(row: Followed) -> Text:
    """What is going on in words: a retry and why, or the status."""
    if row.status is None:
        return Text("posted", style="dim")
    for step in row.status["steps"]:
        if step["status"] == "retrying":
            return Text(
                f"{LABELS.get(step['name'], step['name'])}, try {step['attempts']}: {step['error']}",
                style="yellow",
            )
    status = row.status["status"]
    if failure := row.status.get("failure"):
        return Text(f"{status}: {failure['reason']}", style=STYLES.get(status, ""))
    if waiting := row.status.get("waiting"):
        return Text(f"waits for {waiting['kind']}: {'; '.join(waiting['reasons'])}", style="cyan")
    words = f"{status}, the same sign-up" if row.is_repeat else status.replace("_", " ")
    return Text(words, style=STYLES.get(status, ""))


class _Lines:
    """The same as plain lines, for logs: one per ended try."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[tuple[str, str, str, int]] = set()

    def changed(self, row: Followed) -> None:
        assert row.status is not None
        for step in row.status["steps"]:
            line = (row.signup_id, step["name"], step["status"], step["attempts"])
            if line in self._told:
                continue
            self._told.add(line)
            tries = f" (try {step['attempts']})" if step["attempts"] > 1 else ""
            why = f": {step['error']}" if step.get("error") else ""
            self._print(f"{row.who}: {step['name']} {step['status']}{tries}{why}")
        if row.settled:
            self._print(f"{row.who}: {row.status['status']} ({row.seconds:.1f} s)")

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


def outcome(status: dict[str, Any], *, is_repeat: bool = False) -> Text:
    """The status, its reason when it failed."""
    name = status.get("status", "unknown")
    text = Text(name.replace("_", " "), style=STYLES.get(name, ""))
    if is_repeat:
        text.append("\nthe same sign-up", style="dim")
    if failure := status.get("failure"):
        text.append(f"\n{failure['reason']}", style="dim")
    if waiting := status.get("waiting"):
        text.append(f"\n{'; '.join(waiting['reasons'])}, until {waiting['deadline'][:16]}Z", style="dim")
    if url := status.get("checkout_url"):
        text.append(f"\n{url}", style="dim")
    return text


def summary(status: dict[str, Any]) -> Table:
    """What the sign-up has come to: ids, timing, the reason when it failed."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    rows = {"sign-up": status["signup_id"], "plan": status.get("plan"), "account": status["account_id"]}
    rows |= {name.removesuffix("_id"): id for name, id in status["ids"].items()}
    rows |= {"received": status["timings"]["received_at"], "active": status["timings"].get("active_at")}
    if (seconds := status["timings"].get("seconds_to_active")) is not None:
        rows["seconds to active"] = f"{seconds:.2f}"
    for name, value in rows.items():
        if value:
            table.add_row(Text(name, style="dim"), Text(str(value)))
    table.add_row(Text("status", style="dim"), outcome(status))
    return table


def steps_table(status: dict[str, Any]) -> Table:
    """One sign-up, step by step, with tries and times."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("step", "status", "tries", "began", "took"):
        table.add_column(column, justify="right" if column in ("tries", "took") else "left")
    for step in status["steps"]:
        sign = _sign(step)
        sign.append(f" {step['status']}")
        if step.get("error"):
            sign.append(f": {step['error']}")
        table.add_row(step["name"], sign, str(step["attempts"]), step["started_at"][11:23], _took(step))
    return table


def _took(step: dict[str, Any]) -> str:
    if not step.get("finished_at"):
        return ""
    took = times.moment(step["finished_at"]) - times.moment(step["started_at"])
    return f"{took.total_seconds():.2f} s"
