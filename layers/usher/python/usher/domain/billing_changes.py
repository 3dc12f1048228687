"""What happened, read from the difference between the copy we had and the state the vendor has now."""

from collections.abc import Collection

from usher.domain import account_events, billing_events, event, invoice_events, payment_events


def customer_changes(*, customer_id: str, changed: Collection[str]) -> list[event.Event]:
    """Events for an account of which these fields now differ from what we held of its customer."""
    if "customer_deleted_at" in changed:
        return [account_events.AccountCustomerDeleted(customer_id=customer_id)]
    told = tuple(sorted(set(changed) - {"customer_id"}))  # the link is ours; nothing changed at the vendor
    return [account_events.AccountBillingChanged(changed=told)] if told else []


def subscription_changes(
    *, before: str | None, after: str, subscription_id: str, plan: str | None, trial_end: str | None
) -> list[event.Event]:
    """Events for a subscription whose status was `before` (None: we did not know it) and is `after`."""
    if before == after:
        return []
    happened: list[event.Event] = []
    if before is None:
        happened.append(
            billing_events.SubscriptionCreated(
                subscription_id=subscription_id, plan=plan, status=after, trial_end=trial_end
            )
        )
    if after == "trialing" and trial_end is not None:
        happened.append(
            billing_events.SubscriptionTrialStarted(
                subscription_id=subscription_id, plan=plan, status=after, trial_end=trial_end
            )
        )
    if before == "trialing" and after == "active":
        happened.append(
            billing_events.SubscriptionTrialConverted(
                subscription_id=subscription_id, plan=plan, status=after
            )
        )
    by_status: dict[str, type[billing_events.SubscriptionEvent]] = {
        "active": billing_events.SubscriptionActivated,
        "paused": billing_events.SubscriptionPaused,
        "past_due": billing_events.SubscriptionPaymentFailed,
        "canceled": billing_events.SubscriptionCanceled,
        "incomplete_expired": billing_events.SubscriptionCanceled,
    }
    if kind := by_status.get(after):
        happened.append(kind(subscription_id=subscription_id, plan=plan, status=after))
    return happened


def invoice_changes(
    *,
    known: bool,
    status: str,
    invoice_id: str,
    subscription_id: str | None,
    amount_due_minor: int,
    currency: str,
) -> list[event.Event]:
    """An invoice is generated once, when it first stops being a draft."""
    if known or status == "draft":
        return []
    return [
        invoice_events.InvoiceGenerated(
            invoice_id=invoice_id,
            subscription_id=subscription_id,
            amount_due_minor=amount_due_minor,
            currency=currency,
        )
    ]


def payment_changes(
    *,
    before: str | None,
    after: str,
    payment_id: str,
    invoice_id: str | None,
    amount_minor: int,
    currency: str,
    failure_code: str | None,
) -> list[event.Event]:
    """A payment succeeds or fails once per change of its status."""
    if before == after:
        return []
    if after == "succeeded":
        return [
            payment_events.PaymentSucceeded(
                payment_id=payment_id, invoice_id=invoice_id, amount_minor=amount_minor, currency=currency
            )
        ]
    if after == "failed":
        return [
            payment_events.PaymentFailed(
                payment_id=payment_id,
                invoice_id=invoice_id,
                amount_minor=amount_minor,
                currency=currency,
                failure_code=failure_code,
            )
        ]
    return []
