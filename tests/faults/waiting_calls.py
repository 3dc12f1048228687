"""The ways that wait for a person to pay, and every vendor call that they make beyond a plain sign-up's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.faults.calls import Call, Fault
from tests.faults.people import Bank, Buyer, Customer, Dashboard, Nobody
from tests.faults.world import World

SLOW_BANK = {"clearing_seconds": 10_000_000}  # it answers when it is told to
SIGNED_UP = {
    "stripe": {"customer": 1, "subscription": 1, "charge": 1},
    "product": {"identity": 1, "tenant": 1, "subdomain": 1, "flags": 1, "api_key": 1, "credit": 1},
    "hubspot": {"contacts": 1, "companies": 1, "subscription": 1},
}
ON_TERMS = SIGNED_UP | {"stripe": {"customer": 1, "subscription": 1, "invoice": 1, "payment_intent": 1}}
UNCHARGED = SIGNED_UP | {"stripe": {"customer": 1, "subscription": 1}}
SOLD_A_PLAN = {
    "stripe": {"customer": 1, "subscription": 1, "charge": 1},
    "product": {"team": 1, "tenant": 1, "flags": 1, "credit": 1},
}
SOLD_CREDITS = SOLD_A_PLAN | {"stripe": {"customer": 1, "charge": 1}}
NOTHING: dict[str, dict[str, int]] = {}
_PAY_LATER = {"payment_method": None, "trial": False}
_BY_INVOICE = {"payment": "invoice", "payment_method": None}
_PLAN = {"plan": "pro-monthly"}


@dataclass(frozen=True)
class WaitingWay:
    """Who acts on it, and what lives at the vendors in the end, as counts by vendor and kind.

    Attributes:
        waits: whether somebody acts before its deadlines pass, which therefore are not skipped to.
        times_out: whether they pass once the person has acted.
    """

    ends: Literal["active", "rolled_back", "expired"]
    person: Callable[[], Customer]
    lives: dict[str, dict[str, int]]
    faults: tuple[Fault, ...] = ()
    stripe: dict[str, Any] = field(default_factory=dict)
    waits: bool = True
    times_out: bool = False

    def order(self, world: World) -> None:
        """Let break what breaks on this way."""
        for each in self.faults:
            count = None if each.fault == "400" else 1
            world.vendors.fault(each.vendor, each.operation, each.fault, skip=each.skip, count=count)


def _schedules_the_end(stripe: Any) -> None:
    (subscription,) = stripe.subscriptions.list().data
    stripe.subscriptions.update(subscription.id, {"cancel_at_period_end": True})


def _renames(stripe: Any) -> None:
    (customer,) = stripe.customers.list().data
    stripe.customers.update(customer.id, {"name": "Another Name"})


def _notes_a_transfer(stripe: Any) -> None:
    (invoice,) = stripe.invoices.list().data
    stripe.invoices.pay(invoice.id, {"paid_out_of_band": True})


def _pays_back(stripe: Any) -> None:
    (payment,) = stripe.payment_intents.list().data
    stripe.refunds.create({"payment_intent": payment.id})


_CREDITS = Fault("product", "PUT /v1/tenants/{id}/credits/{grant}")
WAYS = {
    "pays later": WaitingWay("active", lambda: Customer(_PAY_LATER), SIGNED_UP),
    "stays away": WaitingWay("expired", lambda: Nobody(_PAY_LATER), NOTHING, waits=False),
    # Stripe has stored a failure under the key of the page
    "spent key": WaitingWay(
        "active",
        lambda: Customer(_PAY_LATER),
        SIGNED_UP,
        faults=(Fault("stripe", "POST /v1/checkout/sessions", "500"),),
    ),
    "owner is asked": WaitingWay(
        "active",
        lambda: Customer({"payment_method": "pm_card_authenticationRequired"}, page="invoice"),
        SIGNED_UP,
    ),
    "bank": WaitingWay("active", lambda: Bank({}), SIGNED_UP, stripe=SLOW_BANK),
    "on terms": WaitingWay("active", lambda: Nobody(_BY_INVOICE), ON_TERMS),
    # the bank lets the money through when the sign-up has ended
    "late money": WaitingWay(
        "rolled_back",
        lambda: Bank({}, status="rolled_back"),
        NOTHING,
        faults=(Fault("product", "PUT /v1/tenants/{id}"),),
        stripe=SLOW_BANK,
    ),
    "end scheduled": WaitingWay("active", lambda: Dashboard(_schedules_the_end), SIGNED_UP),
    "renamed": WaitingWay("active", lambda: Dashboard(_renames), SIGNED_UP),
    "transfer noted": WaitingWay("active", lambda: Dashboard(_notes_a_transfer, _BY_INVOICE), UNCHARGED),
    "paid back": WaitingWay("active", lambda: Dashboard(_pays_back), UNCHARGED),
    "link": WaitingWay("active", lambda: Buyer(_PLAN), SOLD_A_PLAN),
    "link for credits": WaitingWay("active", lambda: Buyer({"credits": 500}), SOLD_CREDITS),
    "link for a team": WaitingWay("active", lambda: Buyer({"credits": 500}, team=True), SOLD_CREDITS),
    "link not paid": WaitingWay("expired", lambda: Buyer(_PLAN, pays=False), NOTHING, waits=False),
    # the customer goes to the page, and the bank's question there is never answered
    "link left open": WaitingWay(
        "expired",
        lambda: Buyer(_PLAN, payment_method="pm_card_threeDSecure2Required"),
        NOTHING,
        times_out=True,
    ),
    "link refused": WaitingWay("rolled_back", lambda: Buyer(_PLAN), NOTHING, faults=(_CREDITS,)),
    "link bounced": WaitingWay(
        "rolled_back",
        lambda: Buyer(_PLAN, payment_method="pm_usBankAccount", by_bank="fail"),
        NOTHING,
        stripe=SLOW_BANK,
    ),
}

_MAIL = "POST /email/batchWithTemplates"
_SESSION = "/v1/checkout/sessions"
_READ = "/v1/subscriptions/{id}"
PAY_LATER = {
    "ask_customer": Call("ask_payment", "stripe", "POST /v1/customers", way="pays later"),
    "page_price": Call("ask_payment", "stripe", "GET /v1/prices", way="pays later"),
    "open_page": Call("ask_payment", "stripe", f"POST {_SESSION}", way="pays later"),
    "find_page": Call("ask_payment", "stripe", f"GET {_SESSION}", way="spent key"),
    "payment_mail": Call("notices", "postmark", _MAIL, way="pays later"),
    "read_page": Call("payments", "stripe", f"GET {_SESSION}/{{id}}", way="pays later"),
    "read_page_again": Call("stripe-events", "stripe", f"GET {_SESSION}/{{id}}", 1, way="pays later"),
    "paid_subscription": Call("payments", "stripe", f"GET {_READ}", way="pays later"),
    "paid_subscription_2": Call("stripe-events", "stripe", f"GET {_READ}", 1, way="pays later"),
    "paid_subscription_3": Call("create_subscription", "stripe", f"GET {_READ}", 2, way="pays later"),
    "reminded_page": Call("ask_payment", "stripe", f"GET {_SESSION}/{{id}}", way="stays away"),
    "reminder_mail": Call("notices", "postmark", _MAIL, 1, way="stays away"),
    "close_page": Call("ask_payment", "stripe", f"POST {_SESSION}/{{id}}/expire", way="stays away"),
    "read_closed_page": Call("ask_payment", "stripe", f"GET {_SESSION}/{{id}}", 1, way="stays away"),
    "close_page_again": Call(
        "refund_payment", "stripe", f"POST {_SESSION}/{{id}}/expire", 1, way="stays away"
    ),
    "owner_payment": Call(
        "create_subscription", "stripe", "GET /v1/payment_intents/{id}", way="owner is asked"
    ),
    "owner_look": Call("ask_payment", "stripe", f"GET {_READ}", way="owner is asked"),
    "owner_payment_again": Call(
        "ask_payment", "stripe", "GET /v1/payment_intents/{id}", 1, way="owner is asked"
    ),
    "debit": Call("create_subscription", "stripe", "GET /v1/payment_intents/{id}", way="bank"),
    "debit_look": Call("ask_payment", "stripe", f"GET {_READ}", way="bank"),
    "debit_settled": Call("stripe-events", "stripe", f"GET {_READ}", 1, way="bank"),
    "terms_payment": Call("create_subscription", "stripe", "GET /v1/payment_intents/{id}", way="on terms"),
    "refund_late_money": Call("payments", "stripe", "POST /v1/refunds", way="late money"),
}
SYNC = {
    "sync_subscription": Call("stripe-events", "stripe", f"GET {_READ}", way="end scheduled"),
    "sync_customer": Call("stripe-events", "stripe", "GET /v1/customers/{id}", way="renamed"),
    "sync_invoice": Call("stripe-events", "stripe", "GET /v1/invoices/{id}", way="transfer noted"),
    "sync_charge": Call("stripe-events", "stripe", "GET /v1/charges/{id}", way="paid back"),
    "sync_invoice_of_payment": Call("stripe-events", "stripe", "GET /v1/invoice_payments", way="paid back"),
}
LINK = {
    "find_teams": Call("", "product", "GET /v1/teams", way="link"),
    "put_team": Call("", "product", "PUT /v1/teams/{id}", way="link"),
    "link_team": Call("", "product", "PUT /v1/teams/{id}/link", way="link for a team"),
    "link_price": Call("", "stripe", "GET /v1/prices", way="link"),
    "create_link": Call("", "stripe", "POST /v1/payment_links", way="link"),
    "link_mail": Call("notices", "postmark", _MAIL, way="link"),
    "look_at_visits": Call("await_link_payment", "stripe", f"GET {_SESSION}", way="link"),
    "visits_of_a_customer": Call("stripe-events", "stripe", f"GET {_SESSION}", 1, way="link"),
    "visits_when_paid": Call("stripe-events", "stripe", f"GET {_SESSION}", 2, way="link"),
    "link_of_a_visit": Call("stripe-events", "stripe", f"GET {_SESSION}/{{id}}", way="link"),
    "account_of_customer": Call("stripe-events", "stripe", "GET /v1/customers/{id}", way="link"),
    "sync_link_subscription": Call("stripe-events", "stripe", f"GET {_READ}", way="link"),
    "sold_subscription": Call("stripe-events", "stripe", f"GET {_READ}", 1, way="link"),
    "sold_payment": Call("stripe-events", "stripe", "GET /v1/payment_intents/{id}", way="link for credits"),
    "name_customer": Call("stripe-events", "stripe", "POST /v1/customers/{id}", way="link"),
    "give_tenant": Call("provision_link", "product", "PUT /v1/tenants/{id}", way="link"),
    "give_flags": Call("provision_link", "product", "PUT /v1/tenants/{id}/flags", way="link"),
    "give_credits": Call(
        "provision_link", "product", "PUT /v1/tenants/{id}/credits/{grant}", way="link for credits"
    ),
    "link_welcome": Call("send_link_welcome", "postmark", _MAIL, 1, way="link"),
}
LINK_UNDO = {
    "remind_of_link": Call("notices", "postmark", _MAIL, 1, way="link not paid"),
    "close_link": Call("await_link_payment", "stripe", "POST /v1/payment_links/{id}", way="link not paid"),
    "find_open_visits": Call("await_link_payment", "stripe", f"GET {_SESSION}", 2, way="link not paid"),
    "close_visit": Call(
        "await_link_payment", "stripe", f"POST {_SESSION}/{{id}}/expire", way="link left open"
    ),
    "take_credits": Call(
        "withdraw_link", "product", "DELETE /v1/tenants/{id}/credits/{grant}", way="link refused"
    ),
    "take_tenant": Call("withdraw_link", "product", "DELETE /v1/tenants/{id}", way="link refused"),
    "take_team": Call("withdraw_link", "product", "DELETE /v1/teams/{id}", way="link refused"),
    "close_refused_link": Call("refund_link", "stripe", "POST /v1/payment_links/{id}", way="link refused"),
    "refund_link": Call("refund_link", "stripe", "POST /v1/refunds", way="link refused"),
    "cancel_sold": Call("refund_link", "stripe", f"DELETE {_READ}", way="link refused"),
    "sold_invoices": Call("refund_link", "stripe", "GET /v1/invoices", way="link refused"),
    # after one or two calls that name the customer, as many as have heard of the payment at once
    "mark_sold": Call("", "stripe", "POST /v1/customers/{id}", 1, way="link refused"),
    "bounced_intent": Call("stripe-events", "stripe", "GET /v1/payment_intents/{id}", way="link bounced"),
    "cancel_bounced": Call("refund_link", "stripe", f"DELETE {_READ}", way="link bounced"),
    "delete_bounced": Call("refund_link", "stripe", "DELETE /v1/customers/{id}", way="link bounced"),
}
CALLS = PAY_LATER | SYNC | LINK | LINK_UNDO

STEPS = {
    "pays later": (
        "billing/ask_payment",
        "billing/settle_payment",
        "mail/send_notice",
        "billing/sync_stripe",
    ),
    "stays away": ("billing/close_payment",),
    "link": (
        "billing/prepare_payment_link",
        "onboarding/send_payment_link",
        "billing/await_link_payment",
        "provisioning/provision_link",
        "onboarding/activate_link",
        "mail/send_link_welcome",
    ),
    "link not paid": ("billing/close_link_payment",),
    "link refused": ("provisioning/withdraw_link", "billing/refund_link", "onboarding/close_link"),
}
"""The functions of these ways that no plain sign-up calls."""
