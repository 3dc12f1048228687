"""Follows the payment of a link: what counts is put on record, what may not count goes back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from usher.domain import times
from usher.domain.errors import NotYet
from usher.domain.event import Event
from usher.ports.billing import BillingGateway
from usher.ports.clock import Clock
from usher.ports.links import LinkCheckout, PaymentLinks
from usher.ports.store import Absent, Both, ConditionFailed, Equals, Item, Write
from usher.ports.workflows import Workflows
from usher.records.accounts import Accounts
from usher.records.billing import SUBSCRIPTIONS, BillingRecords, ids_in
from usher.records.events import EventLog
from usher.records.link_onboardings import LinkOnboardings
from usher.records.signups import LinkOnboarding
from usher.records.waits import Waits
from usher.usecases.link_returns import LinkReturns
from usher.usecases.link_stages import reaching
from usher.usecases.link_standing import ENDED, LinkPayment, ids_of, made_by, outcome, paid_late, standing
from usher.usecases.open_checkout import running

KIND = "payment"  # of its wait
_TRIES = 3


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """What following a link's payment needs."""

    links: PaymentLinks
    returns: LinkReturns
    billing: BillingGateway
    records: BillingRecords
    accounts: Accounts
    onboardings: LinkOnboardings
    log: EventLog
    waits: Waits
    workflows: Workflows
    clock: Clock

    def look(self, link: LinkOnboarding) -> LinkPayment:
        """How its payment stands at the vendor. Raises VendorUnavailable, VendorRejected."""
        visits = self._visits(link)
        return standing(link, visits, second=self._second(link, visits))

    def settle(self, link: LinkOnboarding) -> LinkPayment:
        """Look, give back what may not count, put on record what does, and let the workflow hear of it.

        However often and by however many at once it is done, each of these is done once.
        """
        visits = self._visits(link)
        found = standing(link, visits, second=self._second(link, visits))
        if found.state == "paid" and not link.is_paid:
            assert found.counted is not None
            link = self._adopted(link, found.counted)
            found = standing(link, visits)  # by the record: another payment counts if somebody was faster
        late = paid_late(link, self.links)
        for checkout, reason in (*found.refused, *((each, ENDED) for each in late)):
            self.returns.give_back(link, checkout, reason)
        if found.state == "failed":
            self.end(link, {"status": "rolled_back", "reason": found.reason, "step": "await_link_payment"})
        if found.state in {"paid", "failed"}:
            self.ring(self.onboardings.link(link.signup_id))
        return replace(found, late=late)

    def end(self, link: LinkOnboarding, verdict: Item, *, also: tuple[Write, ...] = ()) -> bool:
        """Write how it ends, unless it is paid or has ended; returns whether this verdict holds."""
        open_ = Both((Absent("checkout_id"), Absent("verdict")))
        changing = self.onboardings.changing(link.signup_id, {"verdict": verdict}, if_=open_)
        try:
            self.onboardings.write([changing, *also])
        except ConditionFailed:
            return self.onboardings.link(link.signup_id).verdict == verdict
        return True

    def ring(self, link: LinkOnboarding) -> None:
        """Let the workflow go on where it waits for this link's payment."""
        if (result := outcome(link)) is None:
            return
        row = self.waits.get(link.wait_id(KIND))
        if row is not None and row.get("token"):
            self.workflows.succeed(row["token"], result.model_dump(mode="json"))

    def _visits(self, link: LinkOnboarding) -> list[LinkCheckout]:
        checkouts = self.links.checkouts(link.link_id) if link.link_id else []
        if checkouts and "link_opened" not in link.stages and link.verdict is None:
            self._note_visit(link, checkouts[0])
        return checkouts

    def _second(self, link: LinkOnboarding, visits: Sequence[LinkCheckout]) -> set[str]:
        """Those of the visits' subscriptions beside which the account has one that began before.

        Who began first is kept, as among the checkouts of an account, so that of two that are decided at
        once exactly one goes back.
        """
        ids = {each.subscription_id for each in visits if each.state == "paid"} - {None}
        if link.is_paid or link.verdict is not None or not ids:
            return set()
        others = [_began(row) for row in self._others(link)]
        return {id for id in ids if id and others and min(others) < self._began(id)}

    def _others(self, link: LinkOnboarding) -> list[Item]:
        """The account's running subscriptions that this link did not make; the index may lack the newest."""
        assert link.account_id is not None
        account = self.accounts.find(link.account_id)
        own = {(SUBSCRIPTIONS, account.subscription_id)} if account and account.subscription_id else set()
        found = self.records.subscriptions_of(link.account_id)
        found += [row for row in self.records.known(own).values() if row]
        rows = {row["subscription_id"]: row for row in found}
        return [row for row in running(list(rows.values())) if row.get("signup_id") != link.signup_id]

    def _began(self, subscription_id: str) -> tuple[str, str]:
        facts = self.billing.fetch("subscription", subscription_id)
        if facts is None or facts.subscription is None:
            raise NotYet(f"the payment vendor told of {subscription_id} and does not show it yet")
        return times.text(facts.subscription.started_at), subscription_id

    def _note_visit(self, link: LinkOnboarding, first: LinkCheckout) -> None:
        moved = reaching(link, "link_opened", now=self.clock.now(), at=first.created_at)
        if moved is not None:
            write = self.onboardings.changing(link.signup_id, moved.values, if_=moved.condition)
            self._commit_once(link, moved.events, [write])

    def _adopted(self, link: LinkOnboarding, checkout: LinkCheckout) -> LinkOnboarding:
        """The record once it says what the checkout made, or that it came to another end. Raises NotYet."""
        for _ in range(_TRIES):
            if self._adopt(link, checkout):
                break
        link = self.onboardings.link(link.signup_id)
        if outcome(link) is None:
            raise NotYet(f"{link.signup_id} kept changing while its payment was recorded; look again")
        return link

    def _adopt(self, link: LinkOnboarding, checkout: LinkCheckout) -> bool:
        """Put on record what the checkout made, as this onboarding's; False when somebody was faster."""
        assert link.account_id is not None
        kind, id = made_by(checkout)
        known = self.records.known({(_TABLES[kind], id)})
        facts = self.billing.fetch(kind, id)
        if facts is None:
            raise NotYet(f"the payment vendor told of {kind} {id} and does not show it yet")
        known |= self.records.known(ids_in(facts) - known.keys())
        if checkout.customer_id is not None:
            names = {"account_id": link.account_id, "signup_id": link.signup_id}
            self.links.mark_customer(
                checkout.customer_id,
                metadata={**names, "correlation_id": link.correlation_id},
                idempotency_key=f"signup/{link.signup_id}/customer/{checkout.customer_id}",
            )
        now = self.clock.now()
        moved = reaching(link, "paid", now=now, at=checkout.paid_at)
        assert moved is not None  # the stage and the checkout are written together, and there is no checkout
        # One that broke stays broken, and on the list, until somebody has it tried again.
        status = link.status if link.status == "failed" else "provisioning"
        values = {**moved.values, **ids_of(checkout, facts), "status": status}
        values["paid_at"] = times.text(checkout.paid_at or now)
        values |= {} if link.email or checkout.email is None else {"email": checkout.email}
        values |= {} if link.name or checkout.name is None else {"name": checkout.name}
        unpaid = Both((Absent("checkout_id"), Absent("verdict"), Equals("link_id", link.link_id)))
        writes: list[Write] = [
            self.onboardings.changing(link.signup_id, values, remove=("waiting",), if_=unpaid)
        ]
        account = self.accounts.find(link.account_id)
        spent = {None, *(former.get("customer_id") for former in link.former)}
        if account is not None and account.customer_id in spent and checkout.customer_id is not None:
            writes.append(self.accounts.link_customer(link.account_id, checkout.customer_id))
        try:
            self.records.record(
                facts,
                account_id=link.account_id,
                known=known,
                correlation_id=link.correlation_id,
                now=now,
                also=tuple(writes),
                told=moved.events,
            )
        except ConditionFailed as error:
            # Another try was faster with the very same; or sync changed a copy, and it is worth another look.
            return 0 in error.failed
        return True

    def _commit_once(self, link: LinkOnboarding, told: Sequence[Event], writes: Sequence[Write]) -> None:
        assert link.account_id is not None
        try:
            self.log.commit(
                link.account_id, told, writes, correlation_id=link.correlation_id, now=self.clock.now()
            )
        except ConditionFailed as error:
            if 0 not in error.failed:
                raise  # something else than "somebody did this before"


def _began(row: Item) -> tuple[str, str]:
    return str(row["started_at"]), str(row["subscription_id"])


_TABLES = {"subscription": "subscriptions", "payment_intent": "payments"}
