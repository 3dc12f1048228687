"""How a link's payment stands: what counts, what may not, and what the workflow is told of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from usher.domain.errors import NotYet
from usher.domain.onboarding import REOPENABLE
from usher.ports.billing_facts import BillingFacts
from usher.ports.links import LinkCheckout, PaymentLinks
from usher.ports.store import Item
from usher.records.signups import LinkOnboarding
from usher.usecases.step import STOP, StepResult

# How an onboarding ends by the customer's own payment: nothing for us to mend.
GIVEN_BACK = "the payment was given back"
ENDED = "the link had ended"
NOT_PAID = "the payment did not go through at the customer's bank"


@dataclass(frozen=True, slots=True)
class LinkPayment:
    """How a link stands. `counted` is the checkout that pays for the offer, `refused` those that may not.

    `failed` is a delayed payment that did not go through, or one that was refused: nobody can pay any more.
    `late` was paid at the links of former attempts.
    """

    state: Literal["paid", "processing", "failed", "open"]
    counted: LinkCheckout | None = None
    refused: tuple[tuple[LinkCheckout, str], ...] = ()
    reason: str = ""
    late: tuple[LinkCheckout, ...] = ()


def standing(
    link: LinkOnboarding, checkouts: Sequence[LinkCheckout], *, second: Collection[str] = ()
) -> LinkPayment:
    """What the visits to a link's page come to: the first right payment counts, any other goes back.

    `second` are those of their subscriptions that the account has another beside, which began before.
    """
    counted: LinkCheckout | None = None
    refused: list[tuple[LinkCheckout, str]] = []
    for each in checkouts:
        if each.state != "paid":
            continue
        if reason := _objection(link, each, counted, second):
            refused.append((each, reason))
        else:
            counted = each
    states = {each.state for each in checkouts}
    if counted is not None:
        return LinkPayment("paid", counted, tuple(refused))
    if "processing" in states:
        return LinkPayment("processing", None, tuple(refused))
    if refused:
        return LinkPayment("failed", None, tuple(refused), f"{GIVEN_BACK}: {refused[0][1]}")
    if "failed" in states:
        return LinkPayment("failed", reason=NOT_PAID)
    return LinkPayment("open")


def _objection(
    link: LinkOnboarding, checkout: LinkCheckout, counted: LinkCheckout | None, second: Collection[str]
) -> str | None:
    """Why this payment may not count, None when it does."""
    if link.checkout_id is not None and link.verdict is None:
        return None if checkout.checkout_id == link.checkout_id else "the link was paid twice"
    if link.verdict is not None or link.status in REOPENABLE:
        return ENDED
    wanted = (link.offer.amount_minor, link.offer.currency)
    if (checkout.amount_minor, checkout.currency) != wanted:
        paid = f"{checkout.amount_minor} {checkout.currency}"
        return f"the amount is wrong: {paid} instead of {wanted[0]} {wanted[1]}, in minor units"
    if checkout.subscription_id in second:
        return "the account has a running subscription"
    return "the link was paid twice" if counted is not None else None


def paid_late(link: LinkOnboarding, links: PaymentLinks) -> tuple[LinkCheckout, ...]:
    """What was paid at the links of former attempts, which ended: a bank's late confirmation, for one."""
    checkouts = (each for former in link.former_links for each in links.checkouts(former))
    return tuple(each for each in checkouts if each.state == "paid")


def outcome(link: LinkOnboarding) -> StepResult | None:
    """What the workflow is told of this record: paid, ended, or nothing yet."""
    if link.verdict is not None:
        return STOP
    return StepResult() if link.is_paid else None


def made_by(checkout: LinkCheckout) -> tuple[str, str]:
    if checkout.subscription_id is not None:
        return "subscription", checkout.subscription_id
    if checkout.payment_id is None:
        raise NotYet(f"{checkout.checkout_id} is paid and does not name its payment yet")
    return "payment_intent", checkout.payment_id


def ids_of(checkout: LinkCheckout, facts: BillingFacts) -> Item:
    """The ids that the master record keeps of what was paid."""
    payment_id = checkout.payment_id or next((each.payment_id for each in facts.payments), None)
    ids: Item = {
        "checkout_id": checkout.checkout_id,
        "customer_id": checkout.customer_id,
        "subscription_id": checkout.subscription_id,
        "payment_id": payment_id,
    }
    if facts.subscription is not None:
        ids["subscription_status"] = facts.subscription.status
    return {name: value for name, value in ids.items() if value is not None}
