"""Who signs up on a simulated day: how many of each kind, when, and what each of them does later."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Act = Literal["", "pay", "bank", "decide", "confirm"]
CONFIRMED_DOMAIN = "confirmed.example.net"
CONFIRMING = {"confirmation": {"who": {"domains": [CONFIRMED_DOMAIN]}}}
CARD = {"payment_method": "pm_card_visa"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sign-up.

    Attributes:
        share: of the day, in parts of all kinds' shares.
        wants: the status it is meant to end with.
        data: fields of the sign-up's body; of the link's order for a link.
        act: what somebody does later, so many `minutes` after the sign-up.
        how: with which fields.
    """

    share: int
    wants: str
    data: Mapping[str, Any]
    act: Act = ""
    minutes: tuple[float, float] = (0, 0)
    how: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_link(self) -> bool:
        return "phone" in self.data


HOURS = 60.0
APPROVE = {"decision": "approve", "reason": "spoke with them"}
REJECT = {"decision": "reject", "reason": "a competitor"}
BANK = {"plan": "pro-yearly", "payment": "bank", "payment_method": "pm_usBankAccount"}
UNPAID = {"plan": "starter-monthly"}
KINDS = {
    "card, monthly": Kind(300, "active", {"plan": "pro-monthly", **CARD}),
    "card, yearly": Kind(100, "active", {"plan": "pro-yearly", **CARD}),
    "company": Kind(
        80,
        "active",
        {"plan": "pro-monthly", **CARD, "company": {"name": "Works", "size": 40}, "locale": "pt-PT"},
    ),
    "trial without a card": Kind(160, "active", {"plan": "starter-monthly", "trial": True}),
    "free": Kind(110, "active", {"plan": "free"}),
    "declined card": Kind(
        45, "rolled_back", {"plan": "pro-monthly", "payment_method": "pm_card_chargeDeclined"}
    ),
    "card fails when charged": Kind(
        10, "rolled_back", {"plan": "pro-monthly", "payment_method": "pm_card_chargeCustomerFail"}
    ),
    "the bank asks its owner": Kind(
        50,
        "active",
        {"plan": "pro-monthly", "payment_method": "pm_card_authenticationRequired"},
        "pay",
        (1, 15),
    ),
    "no card, pays hours later": Kind(40, "active", UNPAID, "pay", (20, 8 * HOURS), CARD),
    "no card, never pays": Kind(5, "expired", UNPAID),
    "bank debit": Kind(20, "active", BANK, "bank", (2 * HOURS, 12 * HOURS), {"outcome": "succeed"}),
    "bank debit comes back": Kind(
        5, "rolled_back", BANK, "bank", (2 * HOURS, 12 * HOURS), {"outcome": "fail"}
    ),
    "invoice": Kind(15, "active", {"plan": "pro-yearly", "payment": "invoice"}),
    "enterprise, approved": Kind(
        10, "active", {"plan": "enterprise", **CARD}, "decide", (15, 9 * HOURS), APPROVE
    ),
    "enterprise, rejected": Kind(
        5, "rejected", {"plan": "enterprise", **CARD}, "decide", (15, 9 * HOURS), REJECT
    ),
    "address to confirm": Kind(30, "active", {"plan": "pro-monthly", **CARD}, "confirm", (1, 3 * HOURS)),
    "link for credits": Kind(8, "active", {"phone": True, "credits": 500}, "pay", (2, 4 * HOURS), CARD),
    "link for a plan": Kind(7, "active", {"phone": True, "plan": "pro-monthly"}, "pay", (2, 4 * HOURS), CARD),
}


@dataclass
class Person:
    """One person of the day.

    Attributes:
        came, acts_at: when they sign up, and when somebody acts; None for nobody.
        acted: when that had been done.
    """

    number: int
    name: str
    kind: Kind
    came: datetime
    acts_at: datetime | None
    signup_id: str = ""
    link: str = ""
    acted: datetime | None = None

    @property
    def email(self) -> str:
        domain = CONFIRMED_DOMAIN if self.kind.act == "confirm" else "day.example.com"
        return f"person-{self.number}@{domain}"

    @property
    def order(self) -> dict[str, Any]:
        """The body of POST /v1/onboardings."""
        phone = f"+852{51_000_000 + self.number}"
        return {**self.kind.data, "phone": phone, "name": f"Team {self.number}", "email": self.email}

    @property
    def signup(self) -> dict[str, Any]:
        """The body of POST /webhooks/signup."""
        data = {"email": self.email, "name": f"Person {self.number}", **self.kind.data}
        if "company" in data:
            data["company"] = {**data["company"], "domain": f"c{self.number}.example.com"}
        return {"type": "signup.completed", "timestamp": self.came.isoformat(), "data": data}


def people(count: int, *, start: datetime, within: timedelta, seed: int) -> list[Person]:
    """So many people, at least one of each kind, in the order in which they come."""
    shares = sum(kind.share for kind in KINDS.values())
    names = [name for name, kind in KINDS.items() for _ in range(max(1, count * kind.share // shares))]
    names += ["card, monthly"] * (count - len(names))
    chance = random.Random(seed)
    chance.shuffle(names)
    moments = sorted(start + within * chance.random() for _ in names)
    found = []
    for number, (name, came) in enumerate(zip(names, moments, strict=True)):
        kind = KINDS[name]
        later = came + timedelta(minutes=chance.uniform(*kind.minutes))
        found.append(Person(number, name, kind, came, later if kind.act else None))
    return found
