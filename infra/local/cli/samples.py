"""The sample sign-ups of events/: posted, shown live, and held to events/expected.yaml."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local.cli import view
from infra.local.cli.client import Client
from infra.local.cli.following import Followed, follow
from infra.local.cli.options import DATA
from usher.domain.onboarding import WORK

FOLDER = Path(__file__).resolve().parents[3] / "events"
GIVE_UP_SECONDS = 120.0
WIDE = 115


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of expected.yaml with its body."""

    file: str
    shows: str
    status: str
    reason: str
    repeats: bool
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)["data"]
        return fields


def load(folder: Path = FOLDER) -> list[Sample]:
    """The samples in the order of expected.yaml."""
    lines = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
    return [
        Sample(
            file=line["file"],
            shows=line["shows"],
            status=line["status"],
            reason=line.get("reason", ""),
            repeats=line.get("repeats", False),
            body=(folder / line["file"]).read_bytes(),
        )
        for line in lines
    ]


def show(console: Console, data: Path) -> bool:
    """Post them, show how they fare, print where to look; returns whether all came to what was expected.

    A second run on the same data posts new deliveries of the same people: repeats, answered with the
    sign-ups of the first run.
    """
    client, samples = Client.of(data), load()
    rows = [
        Followed(who=sample.data["email"], plan=sample.data["plan"], shows=sample.shows) for sample in samples
    ]
    console.print(
        f"\n[bold]{len(samples)} sample sign-ups[/bold] of events/, posted as a product's backend would:\n"
    )
    _post(client, samples, rows)
    with view.live(console, rows) as changed:
        in_time = follow(client, rows, changed, seconds=GIVE_UP_SECONDS)
    console.print()
    console.print(_outcome(console, client, rows))
    faults = [
        fault for sample, row in zip(samples, rows, strict=True) if (fault := _fault(sample, row, rows))
    ]
    for fault in faults:
        console.print(Text(f"✗ {fault}", style="red"), soft_wrap=True)
    if not faults and in_time:
        console.print(f"[green]✓[/green] all {len(samples)} came to what events/expected.yaml says")
    _where_to_look(console, client, rows, data)
    return not faults and in_time


def _post(client: Client, samples: Sequence[Sample], rows: Sequence[Followed]) -> None:
    deliveries: dict[str, str] = {}
    known: set[str] = set()
    for sample, row in zip(samples, rows, strict=True):
        id = deliveries.setdefault(sample.file, f"msg_{uuid.uuid4().hex}")
        row.signup_id = client.post_signup(sample.body, webhook_id=id)["signup_id"]
        row.is_repeat = row.signup_id in known
        known.add(row.signup_id)


def _fault(sample: Sample, row: Followed, rows: Sequence[Followed]) -> str | None:
    """What is not as expected, in words."""
    name = f"{sample.shows} ({sample.file})"
    if row.status is None:
        return f"{name}: its status was never told"
    status, reason = row.status["status"], (row.status.get("failure") or {}).get("reason", "")
    if status != sample.status or not row.settled:
        under_way = "" if row.settled else " and still under way"
        return f"{name}: {status}{under_way}, expected {sample.status}. {reason}"
    if sample.reason not in reason:
        return f"{name}: failed because {reason!r}, expected {sample.reason!r}"
    undone = [step for step in WORK if row.step(step).get("status") != "done"]
    if status == "active" and undone:
        return f"{name}: active without {', '.join(undone)}"
    if sample.repeats and sum(other.signup_id == row.signup_id for other in rows) < 2:
        return f"{name}: became a sign-up of its own"
    return None


def _outcome(console: Console, client: Client, rows: Sequence[Followed]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1, 1, 0))
    whole = console.width >= WIDE  # then it is the last columns that fold, not the ids
    for column in ("Who", "Plan", "Stripe customer\nand subscription", "Tenant\nand HubSpot contact", "Mail"):
        table.add_column(column, overflow="fold", no_wrap=whole)
    table.add_column("Status", overflow="fold")
    table.add_column("s", justify="right", no_wrap=True)
    for row in rows:
        status = row.status or {}
        ids, seconds = status.get("ids", {}), status.get("timings", {}).get("seconds_to_active")
        table.add_row(
            Text.assemble(row.shows, "\n", (row.who, "dim")),
            row.plan,
            _two(ids.get("customer_id"), ids.get("subscription_id")),
            _two(ids.get("tenant_id"), ids.get("contact_id")),
            _mail(client, row),
            view.outcome(status, is_repeat=row.is_repeat),
            "-" if seconds is None else f"{seconds:.2f}",
        )
    return table


def _two(first: str | None, second: str | None) -> str:
    return f"{first or '-'}\n{second or '-'}"


def _mail(client: Client, row: Followed) -> str:
    """The subject's mail at the vendor itself, linked where the terminal can; not what our record says."""
    headers = {"x-postmark-server-token": client.env["POSTMARK_API_KEY"], "accept": "application/json"}
    path = f"/messages/outbound?count=2&offset=0&metadata_mail_id=welcome/{row.signup_id}"
    found = client.vendor("postmark", path, headers)["Messages"]
    if not found:
        return "-"
    link = f"{client.env['POSTMARK_API_BASE']}/messages/{found[0]['MessageID']}"
    sent = "sent" if len(found) == 1 else f"[red]sent {len(found)} times[/red]"
    return f"[link={link}]{sent}[/link]"


def _where_to_look(console: Console, client: Client, rows: Sequence[Followed], data: Path) -> None:
    env, signup_id = client.env, rows[0].signup_id
    lines = {
        "Status": f".venv/bin/usher status {signup_id}{'' if data == DATA else f' --data {data}'}",
        "Status, by HTTP": f'. {data}/dev.env; curl -s -H "Authorization: Bearer $USHER_PRODUCT_TOKEN" '
        f"{client.url}/v1/signups/{signup_id}",
        "Mails sent": f"{env['POSTMARK_API_BASE']}/",
        "Posts in Slack": f"{env['SLACK_API_BASE']}/",
        "An invoice": _invoice(client, rows[0]),
        "All that Stripe holds": f"{env['STRIPE_API_BASE']}/_control/objects",
        "Addresses and keys": f"{data}/dev.env",
        "Logs": f"{data}/logs/",
    }
    console.print()
    for name, line in lines.items():
        console.print(Text.assemble((f"{name:<22}", "bold"), line), soft_wrap=True)
    console.print()


def _invoice(client: Client, row: Followed) -> str:
    customer = ((row.status or {}).get("ids") or {}).get("customer_id")
    if not customer:
        return "-"
    headers = {"authorization": f"Bearer {client.env['STRIPE_API_KEY']}"}
    found = client.vendor("stripe", f"/v1/invoices?customer={customer}&limit=1", headers)["data"]
    return str(found[0]["hosted_invoice_url"]) if found else "-"
