"""A year of one customer's life, told: what they do, what follows by itself, and whether the books agree.

Everything is the deployment's own: handlers, workflows, sync, ledger; time jumps (infra/local/simulation), so
a year takes under a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from infra.local.simulation import opened
from infra.local.simulation.webhooks import Webhooks
from infra.local.story import books as accounting
from infra.local.story.chapters import CHAPTERS, END, START
from infra.local.story.customer import STRIPE_SECRET, TOKENS, Customer
from usher.domain.event import Envelope

CURRENCY = "usd"
# Those that come round every minute would make half a million rounds of nothing in a year.
SCHEDULES = frozenset({"recognize-revenue"})


@dataclass(frozen=True, slots=True)
class Told:
    """One chapter as it came: what was done, what followed, and how the books stood at its end."""

    at: datetime
    title: str
    events: list[Envelope]
    books: accounting.Books


@dataclass
class Story:
    """The year. `wrong` is what did not come as it was meant to, in words; empty for a good one."""

    chapters: list[Told] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def books(self) -> accounting.Books:
        """How the books stand at the end."""
        return self.chapters[-1].books

    @property
    def events(self) -> list[Envelope]:
        """All that was told, in order."""
        return [event for chapter in self.chapters for event in chapter.events]


def live(folder: Path, *, seed: int = 1, heard: Callable[[Told], None] = lambda told: None) -> Story:
    """Live through the year in an empty folder; `heard` is told each chapter as it ends.

    `seed` decides how late, in which order and how often Stripe's events come.
    """
    story = Story()
    with opened(
        folder,
        scale=1.0,
        tokens=TOKENS,
        webhooks={"webhook_url": "http://usher.simulation/webhooks/stripe", "webhook_secret": STRIPE_SECRET},
        schedules=SCHEDULES,
        started_at=START,
    ) as simulation:
        customer = Customer(simulation)
        Webhooks(simulation, secret=STRIPE_SECRET, post=customer.deliver, seed=seed, twice=0.2)
        ends = [*(chapter.at for chapter in CHAPTERS[1:]), END]
        for chapter, end in zip(CHAPTERS, ends, strict=True):
            chapter.act(customer)
            simulation.pass_to(end)
            news = customer.news()
            books = accounting.read(customer, [*story.events, *news], currency=CURRENCY)
            told = Told(chapter.at, chapter.title, news, books)
            complaints = (
                *chapter.expects(customer, [event.type for event in news]),
                *accounting.disagreements(books),
                *accounting.against_stripe(books, customer),
            )
            story.wrong.extend(f"{chapter.title}: {complaint}" for complaint in complaints)
            story.chapters.append(told)
            heard(told)
        customer.close()
    return story
