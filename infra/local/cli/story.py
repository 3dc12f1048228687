"""`usher story`: a year of one customer's life as a timeline, with the books at the end of each chapter."""

import tempfile
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local import story
from infra.local.cli import view
from infra.local.story.telling import words
from usher.bootstrap.observe import logger
from usher.domain import money
from usher.domain.event import Envelope

_DATE = "%d %b %Y"


def run(*, seed: int) -> int:
    """Live and print it; returns 0 when everything came as it was meant to and the books agree, else 1."""
    console = view.console()
    logger.setLevel("CRITICAL")  # what is told here is told in words
    console.print("A year of one customer, at Stripe's and HubSpot's stand-ins, in time that jumps:\n")
    with tempfile.TemporaryDirectory() as folder:
        told = story.live(Path(folder), seed=seed, heard=lambda chapter: _show(console, chapter))
    _show_books(console, told)
    for complaint in told.wrong:
        console.print(f"✗ {complaint}", style="red", markup=False)
    if not told.wrong:
        console.print(
            "✓ every chapter came as it was meant to, and the books agree with Stripe's", style="green"
        )
    return 1 if told.wrong else 0


def _show(console: Console, chapter: story.Told) -> None:
    """One chapter: what was done, then what followed, day by day."""
    console.print(Text.assemble((f"{chapter.at:{_DATE}}  ", "bold"), ("▸ " + chapter.title, "bold cyan")))
    day = ""
    for event in chapter.events:
        line = words(event)
        if line is None:
            continue
        now = _date(event)
        console.print(Text.assemble((f"{now if now != day else '':11}    ", "dim"), line))
        day = now
    books = chapter.books
    console.print(
        Text(
            f"{'':15}MRR {money.text(books.mrr_minor, books.currency)}"
            f" · cash {money.text(books.cash_minor, books.currency)}"
            f" · owed to us {money.text(books.receivable_minor, books.currency)}"
            f" · to be earned {money.text(books.deferred_minor, books.currency)}"
            f" · earned {money.text(books.revenue_minor, books.currency)}\n",
            style="yellow",
        )
    )


def _date(event: Envelope) -> str:
    return f"{datetime.fromisoformat(event.timestamp):{_DATE}}"


def _show_books(console: Console, told: story.Story) -> None:
    """MRR by movement, and the trial balance."""
    movements = Table(title="What MRR did", title_justify="left", box=None, padding=(0, 3, 0, 0))
    for column in ("movement", "times", "MRR"):
        movements.add_column(column, justify="right" if column in ("times", "MRR") else "left")
    for name, (times, amount) in told.books.moved.items():
        movements.add_row(name, str(times), money.text(amount, told.books.currency))
    console.print(movements)
    balance = Table(title="\nTrial balance", title_justify="left", box=None, padding=(0, 3, 0, 0))
    for column in ("account", "debit", "credit"):
        balance.add_column(column, justify="left" if column == "account" else "right")
    for name, amount in told.books.balances.items():
        if amount:
            sides = (amount, 0) if amount > 0 else (0, -amount)
            balance.add_row(
                name.replace("_", " "), *(money.text(s, told.books.currency) if s else "" for s in sides)
            )
    console.print(balance)
