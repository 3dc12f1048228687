"""POST /v1/checkouts: the page on which an existing account subscribes to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import StringConstraints

from usher.domain.entitlements import LIVE
from usher.domain.errors import Conflict, KeySpent, NotFound, VendorRejected
from usher.domain.onboarding import FINAL
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, invalid
from usher.ports.billing import BillingGateway
from usher.ports.billing_facts import Declined
from usher.ports.checkout import Checkouts, Offers
from usher.ports.clock import Clock
from usher.ports.store import Item, Store
from usher.records.accounts import Account, Accounts
from usher.records.billing import BillingRecords
from usher.records.signups import Signup, Signups
from usher.usecases.create_billing_customer import use_next_key
from usher.usecases.fields import Body, Text

OPEN_FOR = timedelta(hours=23)  # Stripe keeps a checkout open for a day at most
Address = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,2000}$")]


class CheckoutBody(Body):
    """Body of POST /v1/checkouts. Without a plan, the account's own; without a currency, the catalog's."""

    account_id: Text
    plan: Text | None = None
    currency: Text | None = None
    promo: Text | None = None
    return_url: Address


@dataclass(frozen=True, slots=True)
class Selling:
    """What opening a checkout needs."""

    store: Store
    accounts: Accounts
    signups: Signups
    records: BillingRecords
    billing: BillingGateway
    checkouts: Checkouts
    plans: PlanCatalog
    clock: Clock


def open_checkout(body: CheckoutBody, *, key: str, selling: Selling, offers: Offers) -> str:
    """The address of the page; `key` names this request.

    What the page makes is recorded by sync: its metadata names the account. A sign-up that waits for its
    first payment has its page already, and that one is given. Raises NotFound; Conflict when the account
    has a subscription that runs, or is not there yet; Problem 400 for a plan that cannot be bought so, or not
    in this currency, and for a code that is none or not for this plan.
    """
    account = selling.accounts.find(body.account_id)
    if account is None:
        raise NotFound(f"no account {body.account_id}")
    signup = selling.signups.get(account.signup_id)
    if waiting := _page_of(signup, body.plan):
        return waiting
    plan = body.plan or account.plan
    discount = None if body.promo is None else _promotion(body.promo, plan, selling.plans, offers)
    try:
        return checkout_of(
            account,
            signup,
            plan,
            body.return_url,
            key=key,
            selling=selling,
            discount=discount,
            currency=body.currency,
        )
    except VendorRejected as error:
        if discount is None or error.status != 400:
            raise
        wrong = FieldError("promo", f"is refused for this purchase ({error.code}); leave it out")
        raise invalid((wrong,)) from error


def checkout_of(
    account: Account,
    signup: Signup,
    plan: str,
    return_url: str,
    *,
    key: str,
    selling: Selling,
    discount: Mapping[str, str] | None = None,
    currency: str | None = None,
) -> str:
    """The address of a new page for this account and plan. Raises as `open_checkout` does."""
    _refuse(account, signup, selling)
    if plan not in buyable(selling.plans):
        known = ", ".join(sorted(buyable(selling.plans)))
        raise invalid((FieldError("plan", f"cannot be bought at a checkout; these can: {known}"),))
    if currency is not None and selling.plans.amount_in(plan, currency) is None:
        known = ", ".join((selling.plans.currency, *selling.plans.plans[plan].currencies))
        raise invalid((FieldError("currency", f"is none that {plan} is sold in; it is sold in {known}"),))
    checkout = selling.checkouts.open(
        customer_id=account.customer_id or _customer(account, signup, selling),
        account_id=account.account_id,
        signup_id=account.signup_id,
        plan=plan,
        return_url=return_url,
        expires_at=selling.clock.now() + OPEN_FOR,
        correlation_id=account.correlation_id,
        idempotency_key=key,
        discount=discount,
        currency=currency if currency != selling.plans.currency else None,
    )
    assert checkout.url is not None  # it has just been opened
    return checkout.url


def _promotion(code: str, plan: str, plans: PlanCatalog, offers: Offers) -> dict[str, str]:
    promo = plans.promos.get(code.upper())
    if promo is not None and promo.plans and plan not in promo.plans:
        raise invalid((FieldError("promo", f"is for {', '.join(promo.plans)}, and not for {plan}"),))
    if (found := offers.promotion_code(code)) is None:
        raise invalid((FieldError("promo", "is no code that can be redeemed; look at how it is written"),))
    return {"promotion_code": found}


def buyable(plans: PlanCatalog) -> list[str]:
    """The plans that a checkout sells."""
    return [key for key, plan in plans.plans.items() if plan.billed and plan.admission == "open"]


def running(rows: list[Item]) -> list[Item]:
    """Those of an account's subscriptions that are the payment vendor's, and run."""
    return [row for row in rows if row["status"] in LIVE | {"unpaid"} and "customer_id" in row]


def _page_of(signup: Signup, plan: str | None) -> str | None:
    """The page that the sign-up waits at. Raises Conflict for another plan than its own."""
    if signup.status != "waiting_payment" or signup.checkout_url is None:
        return None
    if plan not in (None, signup.plan):
        raise Conflict(
            f"the account waits for its first payment, of plan {signup.plan}: {signup.checkout_url}"
        )
    return signup.checkout_url


def _refuse(account: Account, signup: Signup, selling: Selling) -> None:
    if account.status == "closed":
        raise Conflict(f"the account is closed: its sign-up is {signup.status}; sign up again")
    if signup.status not in FINAL or account.status == "pending":
        # A failed sign-up that is tried again makes the subscription that it began with.
        raise Conflict(f"the account is not there yet: its sign-up is {signup.status}")
    for row in running(selling.records.subscriptions_of(account.account_id)):
        raise Conflict(
            f"the account has a subscription to {row.get('plan')} that is {row['status']}; change that one"
        )


def _customer(account: Account, signup: Signup, selling: Selling) -> str:
    """The account's customer at the payment vendor, made now: it was on a plan that needed none."""
    found = selling.billing.find_customer(signup_id=signup.signup_id, email=signup.email)
    if found is None:
        try:
            made = selling.billing.create_customer(
                account_id=account.account_id,
                signup_id=signup.signup_id,
                email=signup.email,
                name=account.org_name,
                phone=signup.phone,
                payment_method=None,
                correlation_id=account.correlation_id,
                idempotency_key=f"account/{account.account_id}/create-customer/{signup.attempt}",
            )
        except KeySpent:  # what it may have made all the same is looked for first
            use_next_key(signup, selling.signups)
            raise
        if isinstance(made, Declined):
            raise Conflict(f"the payment vendor takes no such customer ({made.code}): {made.reason}")
        found = made
    selling.store.write(selling.accounts.link_customer(account.account_id, found.customer_id))
    return found.customer_id
