"""A payment or subscription moved at the vendor: whoever waits for it hears, and late money goes back."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain.onboarding import REOPENABLE
from usher.ports.closing import BillingCloser
from usher.records.accounts import Accounts
from usher.records.billing import PAYMENTS
from usher.records.signups import Signup
from usher.usecases.answer_wait import Asker
from usher.usecases.ask_payment import answer_if_settled
from usher.usecases.first_payment import FirstPayments
from usher.usecases.link_payment import LinkDesk
from usher.usecases.settle_link import link_of, settle_link


class BillingMoved(BaseModel):
    """Our envelope of payment.succeeded, payment.failed or subscription.activated, told by sync."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    type: str
    account_id: str
    payload: dict[str, Any]


def settle_payment(
    moved: BillingMoved,
    *,
    accounts: Accounts,
    asker: Asker,
    payments: FirstPayments,
    closer: BillingCloser,
    desk: LinkDesk,
) -> str:
    """Returns what was done: answered, waiting, refunded or nothing. Doing it twice does it once.

    Money that comes for a sign-up that has ended (a bank's late confirmation) is paid back: nobody is left
    paid and locked out.
    """
    if (link := link_of(moved.payload, desk=desk)) is not None:
        return settle_link(link, succeeded=moved.type != "payment.failed", desk=desk, told=moved.payload)
    account = accounts.find(moved.account_id)
    signup = asker.signups.find(account.signup_id) if account else None
    if signup is None or signup.kind != "signup":
        return "nothing"
    if moved.type == "payment.succeeded" and _is_late(signup, moved.payload["payment_id"], payments):
        payment_id = moved.payload["payment_id"]
        if _is_back(payment_id, desk):
            return "nothing"
        closer.refund(
            payment_id,
            correlation_id=signup.correlation_id,
            idempotency_key=f"signup/{signup.signup_id}/refund/{payment_id}",
        )
        return "refunded"
    if (signup.waiting or {}).get("kind") == "payment":  # whether or not the page is open yet
        return "answered" if answer_if_settled(signup, payments.look(signup), asker) else "waiting"
    return "nothing"


def _is_back(payment_id: str, desk: LinkDesk) -> bool:
    """Whether our record of the payment says that all of it has gone back."""
    row = desk.records.known({(PAYMENTS, payment_id)})[(PAYMENTS, payment_id)] or {}
    return "refunded_minor" in row and row["refunded_minor"] >= row["amount_minor"]


def _is_late(signup: Signup, payment_id: str, payments: FirstPayments) -> bool:
    """Whether nobody gets anything for this money: the sign-up is being undone, or has been.

    That of a former attempt's customer is late too, when the sign-up was tried anew in the meantime.
    """
    if signup.verdict is not None or signup.status in REOPENABLE:
        return True
    customers = {former.get("customer_id") for former in signup.former} - {None, signup.customer_id}
    if not customers:
        return False
    facts = payments.billing.fetch("payment_intent", payment_id)
    return facts is not None and any(payment.customer_id in customers for payment in facts.payments)
