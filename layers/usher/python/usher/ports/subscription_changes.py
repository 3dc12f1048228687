"""Changes of subscriptions at the payment vendor, and what they will cost.

The subscription as it is afterwards is asked for by BillingGateway.fetch, and recorded as sync records it.
Every method raises VendorUnavailable (may succeed later) or VendorRejected (never will).
"""

from datetime import datetime
from typing import Protocol

from usher.domain.plan_changes import PlanChange
from usher.ports.billing_facts import Declined, Snapshot


class PreviewLine(Snapshot):
    """One line of what is invoiced at once; below 0 it gives back."""

    description: str
    amount_minor: int
    period_start: datetime
    period_end: datetime
    proration: bool


class ChangePreview(Snapshot):
    """What a change costs, to the cent, in minor units of `currency`.

    `charged_now_minor` is collected at once; `credited_minor` goes to the credit balance; `next_minor` is
    what the invoice at `next_at` will ask for, credit used (None: there is none).
    """

    currency: str
    charged_now_minor: int
    credited_minor: int
    lines: tuple[PreviewLine, ...]
    next_at: datetime | None
    next_minor: int | None


class Paid(Snapshot):
    """What the invoices of a period came to, and how they were paid, in minor units.

    `total_minor` is less what some of them gave back as credit; `otherwise_minor` was paid by credit, or past
    the vendor; `payments` are those that can be refunded, newest first.
    """

    total_minor: int
    otherwise_minor: int
    payments: tuple[str, ...]


class ChangeCosts(Protocol):
    """What changes cost, and what an end would give back."""

    def promotion(self, code: str) -> str | None:
        """The vendor's id of a promotion code as a customer types it; None when it cannot be used."""

    def preview(self, subscription_id: str, change: PlanChange, *, at: datetime) -> ChangePreview:
        """What the change would cost at the moment `at`; nothing changes."""

    def unused(self, subscription_id: str, *, at: datetime) -> int:
        """What was billed for time after `at`, in minor units."""

    def paid(self, subscription_id: str) -> Paid:
        """What was paid of its current period."""

    def give_credit(
        self, customer_id: str, *, amount_minor: int, currency: str, change: str, key: str
    ) -> str:
        """Add to the customer's credit balance, once for each change; returns the adjustment's id."""


class SubscriptionChanges(Protocol):
    """A key stands for one change, and is sent with the same parameters each time.

    What is so already is not asked for again, so that a change that was cut short can be made once more.
    """

    def change(self, subscription_id: str, change: PlanChange, *, at: datetime, key: str) -> Declined | None:
        """Make the change; `promo` is the id that `promotion` gave.

        One that begins now is prorated as of `at` and paid, or nothing changes (Declined). A change that is
        scheduled by then gives way.
        """

    def end_at_period_end(self, subscription_id: str, *, key: str) -> None:
        """Let it end with its period; a change that is scheduled by then is called off."""

    def keep(self, subscription_id: str, *, key: str) -> None:
        """Undo a scheduled end."""

    def begin_again(
        self,
        *,
        customer_id: str,
        account_id: str,
        signup_id: str,
        correlation_id: str,
        change: PlanChange,
        name: str,
        key: str,
    ) -> str | Declined:
        """A new subscription of a customer who had one; returns its id once its first invoice is paid.

        One that says it was made by the change of this `name` is it. Raises Conflict when the customer has
        another one by now.
        """

    def pause(self, subscription_id: str, *, key: str) -> None:
        """Neither service nor invoices; what is left of the period becomes credit for later."""

    def resume(self, subscription_id: str, *, key: str) -> Declined | None:
        """A paused one goes on with a new period once that is paid; it stays paused otherwise."""
