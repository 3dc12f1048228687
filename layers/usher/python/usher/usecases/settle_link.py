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


def settle_link(
    link: LinkOnboarding, *, succeeded: bool, desk: LinkDesk, told: Mapping[str, Any] | None = None
) -> str:
    """A payment moved, as `told` by an event of ours: returns how that of its link stands.

    Raises NotYet when it succeeded and the link's page does not know of it yet: told again, it will. One at
    the link of a former attempt says nothing of the present one.
    """
    found = desk.settle(link)
    late = {id for each in found.late for id in (each.payment_id, each.subscription_id) if id}
    is_late = not late.isdisjoint(_ids(told or {}, desk)[:2])
    if succeeded and found.state == "open" and link.verdict is None and not is_late:
        raise NotYet(f"{link.signup_id} was paid, and the payment vendor's checkout does not say so yet")
    return found.state


def link_of(payload: Mapping[str, Any], *, desk: LinkDesk) -> LinkOnboarding | None:
    """The onboarding whose link made the payment or subscription that an event of ours tells of, if any."""
    _, subscription_id, signup_id = _ids(payload, desk)
    signup_id = signup_id or _row(SUBSCRIPTIONS, subscription_id, desk).get("signup_id")
    return desk.onboardings.find_link(signup_id) if signup_id else None


def _ids(payload: Mapping[str, Any], desk: LinkDesk) -> tuple[str | None, str | None, str | None]:
    """Which payment and subscription an event tells of, and whose sign-up the payment itself names."""
    payment_id = payload.get("payment_id")
    row = _row(PAYMENTS, payment_id, desk)
    invoice = _row(INVOICES, row.get("invoice_id") or payload.get("invoice_id"), desk)
    return payment_id, invoice.get("subscription_id") or payload.get("subscription_id"), row.get("signup_id")


def _row(table: str, id: str | None, desk: LinkDesk) -> Item:
    """Our copy of a vendor's object, empty when there is none."""
    return (desk.records.known({(table, id)})[(table, id)] or {}) if id else {}
