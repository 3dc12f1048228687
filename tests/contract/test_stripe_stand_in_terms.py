"""Other ways to begin at the Stripe stand-in: trials and their ends, bank debits, invoices sent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.contract.stripe_shop import Shop, opened_shop

DAY = 86_400
START = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp())
REMINDER = "customer.subscription.trial_will_end"


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with opened_shop() as opened:
        yield opened


class Trial:
    """A trial of 14 days on a test clock of its own."""

    def __init__(self, shop: Shop, method: str | None = None, at_end: str = "cancel") -> None:
        self._shop = shop
        self._clock = shop.api.test_helpers.test_clocks.create({"frozen_time": START}).id
        self.customer = shop.customer(method, test_clock=self._clock)
        settings = {"end_behavior": {"missing_payment_method": at_end}}
        more = {"trial_period_days": 14, "trial_settings": settings}
        self.id = shop.subscribe(self.customer, **more).id

    def at(self, days: float) -> Any:
        """The subscription as it is so many days after its start."""
        when = {"frozen_time": START + int(days * DAY)}
        self._shop.api.test_helpers.test_clocks.advance(self._clock, when)
        return self.now()

    def now(self) -> Any:
        return self._shop.api.subscriptions.retrieve(self.id, {"expand": ["latest_invoice"]})

    def reminders(self) -> int:
        events = self._shop.api.events.list({"type": REMINDER, "limit": 100}).data
        return sum(event.data.object["id"] == self.id for event in events)


def test_an_extended_trial_reminds_again_before_its_new_end(shop: Shop) -> None:
    trial = Trial(shop)
    trial.at(12)
    assert trial.reminders() == 1
    shop.api.subscriptions.update(trial.id, {"trial_end": START + 28 * DAY})
    assert trial.at(20).status == "trialing" and trial.reminders() == 1
    assert trial.at(26).status == "trialing" and trial.reminders() == 2
    assert trial.at(29).status == "canceled"


def test_a_trial_shortened_to_its_last_days_reminds_at_once(shop: Shop) -> None:
    trial = Trial(shop)
    shop.api.subscriptions.update(trial.id, {"trial_end": START + 2 * DAY})
    assert trial.reminders() == 1
    trial.at(1.5)
    assert trial.reminders() == 1


def test_a_trial_ended_now_is_billed_now(shop: Shop) -> None:
    trial = Trial(shop, "pm_card_visa")
    trial.at(5)
    ended = shop.api.subscriptions.update(trial.id, {"trial_end": "now", "expand": ["latest_invoice"]})
    assert (ended.status, ended.latest_invoice.status, ended.latest_invoice.amount_paid) == (
        "active",
        "paid",
        2900,
    )
    assert ended["items"].data[0].current_period_start == START + 5 * DAY


def test_a_paused_trial_is_resumed_with_a_card(shop: Shop) -> None:
    trial = Trial(shop, at_end="pause")
    paused = trial.at(15)
    assert paused.status == "paused"
    assert paused.status_details.paused.subscription.type == "trial_end_without_payment_method"
    card = shop.api.payment_methods.attach("pm_card_visa", {"customer": trial.customer.id})
    shop.api.subscriptions.update(trial.id, {"default_payment_method": card.id})
    resumed = shop.api.subscriptions.resume(trial.id, {"expand": ["latest_invoice"]})
    assert (resumed.status, resumed.latest_invoice.amount_paid) == ("active", 2900)
    with pytest.raises(stripe.InvalidRequestError, match="only a paused one"):
        shop.api.subscriptions.resume(trial.id)


def test_a_resumption_that_waits_for_payment_stays_paused_until_it_is_paid(shop: Shop) -> None:
    trial = Trial(shop, at_end="pause")
    trial.at(15)
    waiting = shop.api.subscriptions.resume(trial.id, {"payment_behavior": "resume_on_payment_success"})
    assert waiting.status == "paused"
    assert shop.pay(invoice=waiting.latest_invoice)[0]["status"] == 200
    assert trial.now().status == "active"


def test_a_card_given_in_the_trial_converts_it(shop: Shop) -> None:
    trial = Trial(shop)
    card = shop.api.payment_methods.attach("pm_card_visa", {"customer": trial.customer.id})
    shop.api.customers.update(trial.customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    converted = trial.at(14.1)
    assert (converted.status, converted.latest_invoice.amount_paid) == ("active", 2900)


@pytest.mark.parametrize(
    ("method", "status", "invoice"),
    [
        ("pm_usBankAccount", "active", "paid"),
        ("pm_usBankAccount_accountClosed", "incomplete_expired", "void"),  # it came back after 23 hours
    ],
)
def test_a_bank_debit_leaves_the_subscription_incomplete_until_it_arrives(
    method: str, status: str, invoice: str
) -> None:
    with opened_shop(options={"clearing_seconds": 4 * DAY}) as shop:
        subscription = shop.subscribe(shop.customer(method))
        assert (subscription.status, shop.intent_of(subscription).status) == ("incomplete", "processing")
        shop.control("POST", "/_control/clock", {"now": subscription.created + 3 * DAY})
        assert shop.api.subscriptions.retrieve(subscription.id).status == "incomplete"  # not expired
        shop.control("POST", "/_control/clock", {"now": subscription.created + 4 * DAY + 3601})
        settled = shop.api.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        assert (settled.status, settled.latest_invoice.status) == (status, invoice)


def test_an_invoice_that_is_sent_makes_the_subscription_active_on_terms(shop: Shop) -> None:
    terms = {"collection_method": "send_invoice", "days_until_due": 30, "expand": ["latest_invoice"]}
    subscription = shop.subscribe(shop.customer(None), **terms)
    invoice = subscription.latest_invoice
    assert (subscription.status, invoice.status, invoice.amount_remaining) == ("active", "open", 2900)
    assert invoice.due_date == invoice.created + 30 * DAY
    assert shop.page(invoice.hosted_invoice_url, payment_method="pm_card_visa")[0] == 200
    assert shop.api.invoices.retrieve(invoice.id).status == "paid"


def test_an_invoice_that_is_not_paid_in_time_is_overdue() -> None:
    with opened_shop() as shop:
        terms = {"collection_method": "send_invoice", "days_until_due": 7}
        subscription = shop.subscribe(shop.customer(None), **terms)
        shop.control("POST", "/_control/clock", {"now": subscription.created + 8 * DAY})
        assert shop.api.subscriptions.retrieve(subscription.id).status == "past_due"
        assert {"invoice.sent", "invoice.overdue"} <= set(shop.events())


@pytest.mark.parametrize("terms", [{"collection_method": "send_invoice"}, {"days_until_due": 30}])
def test_terms_that_do_not_go_together_are_refused(shop: Shop, terms: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="days_until_due"):
        shop.subscribe(shop.customer(), **terms)


def test_a_customers_answer_shows_its_cards_fingerprint(shop: Shop) -> None:
    def created(method: str) -> Any:
        customer = shop.customer(method, expand=["invoice_settings.default_payment_method"])
        return customer.invoice_settings.default_payment_method.card.fingerprint

    assert created("pm_card_visa") == created("pm_card_visa") != created("pm_card_mastercard")
