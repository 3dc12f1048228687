"""Money of a link that may not be kept goes back, and what its checkout made ends; each once."""

from dataclasses import dataclass

from usher.domain import times
from usher.domain.errors import VendorUnavailable
from usher.domain.onboarding_events import OnboardingPaymentReturned
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.closing import BillingCloser
from usher.ports.links import LinkCheckout
from usher.ports.store import Absent, ConditionFailed, Item
from usher.records.billing import BillingRecords, ids_in
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding, refused_attribute
from usher.usecases.link_standing import made_by


@dataclass(frozen=True, slots=True)
class LinkReturns:
    """What giving back needs."""

    billing: BillingGateway
    closer: BillingCloser
    records: BillingRecords
    onboardings: LinkOnboardings
    log: EventLog
    clock: Clock

    def give_back(self, link: LinkOnboarding, checkout: LinkCheckout, reason: str) -> None:
        """Pay back what a checkout brought, end what it made, and tell of it; once."""
        if checkout.checkout_id in link.refused:
            return
        refunds = [
            self.closer.refund(
                payment_id,
                correlation_id=link.correlation_id,
                idempotency_key=f"signup/{link.signup_id}/refund/{payment_id}",
            )
            for payment_id in self._payments(checkout)
        ]
        if checkout.subscription_id is not None:
            self._cancel(link, checkout.subscription_id)
        if checkout.customer_id is not None and self._is_spare(link, checkout.customer_id):
            self.closer.mark_closed(checkout.customer_id, reason=reason)
        now = self.clock.now()
        refused: Item = {
            "reason": reason,
            "at": times.text(now),
            "amount_minor": checkout.amount_minor,
            "currency": checkout.currency,
            "refunds": [refund for refund in refunds if refund],
        }
        told = OnboardingPaymentReturned(
            signup_id=link.signup_id,
            checkout_id=checkout.checkout_id,
            amount_minor=checkout.amount_minor,
            currency=checkout.currency,
            reason=reason,
        )
        name = refused_attribute(checkout.checkout_id)
        write = self.onboardings.changing(link.signup_id, {name: refused}, if_=Absent(name))
        assert link.account_id is not None
        try:
            self.log.commit(link.account_id, [told], [write], correlation_id=link.correlation_id, now=now)
        except ConditionFailed as error:
            if 0 not in error.failed:
                raise  # something else than "somebody did this before"

    def give_up(self, link: LinkOnboarding, checkout: LinkCheckout) -> None:
        """End what a checkout made for which no money came."""
        if checkout.subscription_id is not None:
            self._cancel(link, checkout.subscription_id)
        if checkout.customer_id is not None and self._is_spare(link, checkout.customer_id):
            self.closer.delete_customer(checkout.customer_id)

    def _payments(self, checkout: LinkCheckout) -> list[str]:
        if checkout.payment_id is not None:
            return [checkout.payment_id]
        facts = self.billing.fetch(*made_by(checkout))
        return [payment.payment_id for payment in facts.payments] if facts else []

    def _cancel(self, link: LinkOnboarding, subscription_id: str) -> None:
        assert link.account_id is not None
        known = self.records.known({("subscriptions", subscription_id)})
        key = f"signup/{link.signup_id}/cancel/{subscription_id}"
        facts = self.closer.cancel_subscription(subscription_id, idempotency_key=key)
        if facts is None:
            return
        known |= self.records.known(ids_in(facts) - known.keys())
        try:
            self.records.record(
                facts,
                account_id=link.account_id,
                known=known,
                correlation_id=link.correlation_id,
                now=self.clock.now(),
            )
        except ConditionFailed as error:
            raise VendorUnavailable(
                f"sync changed {subscription_id} while it was cancelled; again"
            ) from error

    def _is_spare(self, link: LinkOnboarding, customer_id: str) -> bool:
        """Whether this customer is not the one that the account goes on with."""
        return link.customer_id != customer_id or link.verdict is not None
