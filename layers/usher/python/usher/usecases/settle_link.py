"""A payment or checkout of a link moved at the vendor: whoever waits for it hears, other money goes back."""

from collections.abc import Mapping
from typing import Any

from usher.domain.errors import NotYet
from usher.ports.store import Item
from usher.records.billing import INVOICES, PAYMENTS, SUBSCRIPTIONS
from usher.records.signups import LinkOnboarding
from usher.usecases.link_payment import LinkDesk


def settle_checkout(checkout_id: str, *, desk: LinkDesk) -> str:
    """A checkout moved: returns how the payment of its link stands, `nothing` for any other."""
    signup_id = desk.links.signup_of(checkout_id)
    link = desk.onboardings.find_link(signup_id) if signup_id else None
    return desk.settle(link).state if link is not None else "nothing"


def settle_link(link: LinkOnboarding, *, succeeded: bool, desk: LinkDesk) -> str:
    """A payment moved: returns how that of its link stands.

    Raises NotYet when it succeeded and the link's page does not know of it yet: told again, it will.
    """
    found = desk.settle(link)
    if succeeded and found.state == "open" and link.verdict is None:
        raise NotYet(f"{link.signup_id} was paid, and the payment vendor's checkout does not say so yet")
    return found.state


def link_of(payload: Mapping[str, Any], *, desk: LinkDesk) -> LinkOnboarding | None:
    """The onboarding whose link made the payment or subscription that an event of ours tells of, if any."""
    row = _row(PAYMENTS, payload.get("payment_id"), desk)
    invoice = _row(INVOICES, row.get("invoice_id") or payload.get("invoice_id"), desk)
    subscription_id = invoice.get("subscription_id") or payload.get("subscription_id")
    signup_id = row.get("signup_id") or _row(SUBSCRIPTIONS, subscription_id, desk).get("signup_id")
    return desk.onboardings.find_link(signup_id) if signup_id else None


def _row(table: str, id: str | None, desk: LinkDesk) -> Item:
    """Our copy of a vendor's object, empty when there is none."""
    return (desk.records.known({(table, id)})[(table, id)] or {}) if id else {}
