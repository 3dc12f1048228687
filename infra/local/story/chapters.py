"""The chapters of the year: when, what somebody does, and how things must stand when the next one begins.

The trial ends on a 31st, so that every renewal shows the anchor of month ends
(docs.stripe.com/billing/subscriptions/billing-cycle, read 2026-11).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.story.customer import Customer


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(hour=9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Chapter:
    """`stands` names fields of the subscription and what they must be at the end of the chapter."""

    at: datetime
    title: str
    act: Callable[[Customer], Any]
    stands: dict[str, Any]
    tells: tuple[str, ...] = ()

    def expects(self, customer: Customer, told: list[str]) -> Iterator[str]:
        """What is not as it must be, in words."""
        row = customer.subscription
        for name, wanted in self.stands.items():
            if row.get(name) != wanted:
                yield f"{name} is {row.get(name)!r}, not {wanted!r}"
        for kind in self.tells:
            if kind not in told:
                yield f"nothing told of {kind}"


START = _day("2026-01-17")
END = _day("2027-01-17")


def _fail(customer: Customer) -> None:
    customer.use_card("pm_card_chargeCustomerFail")


def _recover(customer: Customer) -> None:
    customer.use_card("pm_card_visa")
    customer.pay_what_is_open()


CHAPTERS = (
    Chapter(
        START,
        "signs up for a trial of Starter",
        lambda c: c.sign_up(plan="starter-monthly", payment_method="pm_card_visa", trial=True),
        {"status": "active", "plan": "starter-monthly"},
        ("subscription.trial_started", "subscription.trial_ending", "subscription.trial_converted"),
    ),
    Chapter(
        _day("2026-03-10"),
        "upgrades to Pro at once",
        lambda c: c.act("change", plan="pro-monthly", when="now"),
        {"status": "active", "plan": "pro-monthly"},
        ("subscription.upgraded", "subscription.prorated_charge"),
    ),
    Chapter(
        _day("2026-05-20"),
        "the card will not pay any more",
        _fail,
        {"status": "past_due"},
        ("subscription.payment_failed", "payment.failed"),
    ),
    Chapter(
        _day("2026-06-03"),
        "gives another card and pays",
        _recover,
        {"status": "active"},
        ("subscription.payment_recovered", "payment.succeeded"),
    ),
    Chapter(
        _day("2026-07-12"),
        "goes down to Starter when the month is over",
        lambda c: c.act("change", plan="starter-monthly", when="period_end"),
        {"status": "active", "plan": "starter-monthly"},
        ("subscription.change_scheduled", "subscription.downgraded"),
    ),
    Chapter(
        _day("2026-09-08"),
        "is paid back 5.00 for a day of trouble",
        lambda c: c.refund(amount=500, reason="a day of trouble"),
        {"status": "active"},
        ("refund.issued",),
    ),
    Chapter(
        _day("2026-10-15"),
        "cancels when the month is over",
        lambda c: c.act("cancel", when="period_end", refund="none", reason="the season is over"),
        {"status": "canceled"},
        ("subscription.cancel_scheduled", "subscription.canceled"),
    ),
    Chapter(
        _day("2026-12-05"),
        "comes back, to Pro",
        lambda c: c.act("reactivate", plan="pro-monthly"),
        {"status": "active", "plan": "pro-monthly"},
        ("subscription.reactivated",),
    ),
)
