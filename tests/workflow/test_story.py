"""`usher story`: a year of one customer, whose ledger balances and whose MRR adds up (scenarios 22, 24)."""

from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from infra.local import story
from infra.local.cli import app
from infra.local.story import Story
from infra.local.story.chapters import CHAPTERS
from usher.bootstrap.observe import logger


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    level = logger.log_level
    logger.setLevel("CRITICAL")
    yield story.live(tmp_path_factory.mktemp("year"), seed=7)
    logger.setLevel(level)


def test_every_chapter_comes_as_it_is_meant_to_and_the_books_agree_with_stripe_after_each(
    year: Story,
) -> None:
    assert year.wrong == []
    assert [told.title for told in year.chapters] == [chapter.title for chapter in CHAPTERS]


def test_mrr_moves_once_for_each_thing_that_happened_and_adds_up(year: Story) -> None:
    assert year.books.moved == {
        "new": (1, 1900),
        "expansion": (1, 3000),
        "contraction": (1, -3000),
        "churned": (1, -1900),
        "reactivated": (1, 4900),
    }
    assert [told.books.mrr_minor for told in year.chapters] == [1900, 4900, 4900, 4900, 1900, 1900, 0, 4900]


def test_the_ledger_balances_and_holds_what_was_owed_while_the_card_failed(year: Story) -> None:
    assert [sum(told.books.balances.values()) for told in year.chapters] == [0] * len(CHAPTERS)
    owed = {told.title: told.books.receivable_minor for told in year.chapters if told.books.receivable_minor}
    assert owed == {"the card will not pay any more": 4900}


def test_renewals_keep_to_the_end_of_the_month(year: Story) -> None:
    """The first paid day is a 31st: docs.stripe.com/billing/subscriptions/billing-cycle (read 2026-11)."""
    billed = [e for e in year.events if e.type == "invoice.generated" and e.payload["amount_due_minor"]]
    renewals = [e.timestamp[5:10] for e in billed if e.payload["billing_reason"] == "subscription_cycle"]
    ends = ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30"]
    assert renewals == [*ends, "01-05"]  # the last one is of the subscription that began on 5 December


def test_the_upgrade_is_prorated_by_the_second(year: Story) -> None:
    """21 of 31 days of the two prices: docs.stripe.com/billing/subscriptions/prorations (read 2026-11)."""
    (charge,) = [e for e in year.events if e.type == "subscription.prorated_charge"]
    assert charge.payload["amount_minor"] == 2032


@pytest.mark.long
def test_the_command_tells_it_as_a_timeline_and_exits_with_0() -> None:
    told = CliRunner().invoke(app, ["story", "--seed", "3"])
    assert told.exit_code == 0, told.output
    for words in (
        "upgrades to Pro at once",
        "no longer past due",
        "Trial balance",
        "the books agree with Stripe's",
    ):
        assert words in told.output
